/* Under an answer that may be wrong: a word about it, and approved questions that come near. */
import { languageOf } from "./language.js";

export class Doubt {
  #node;
  #i18n;
  #ask;
  #shown = [];

  /** ``node``: the place for it in a message; ``ask(question)`` when one is chosen. */
  constructor(node, i18n, ask) {
    this.#node = node;
    this.#i18n = i18n;
    this.#ask = ask;
    // The message may be in another language than the panel.
    node.lang = i18n.locale;
    node.querySelector(".unsure").textContent = i18n.text("unsure");
    node.querySelector("legend").textContent = i18n.text("meant");
  }

  /** What was offered under an older answer is gone; that it was not sure stays. */
  show(item) {
    const questions = item.newest && item.open ? suggested(item) : [];
    const offer = this.#node.querySelector(".offer");
    this.#node.querySelector(".unsure").hidden = !isUnsure(item);
    if (questions.join("\n") !== this.#shown.join("\n")) {
      if (offer.contains(document.activeElement)) stay();
      offer.querySelector(".questions").replaceChildren(...questions.map((question) => this.#button(question)));
      this.#shown = questions;
    }
    offer.hidden = !questions.length;
    this.#node.hidden = offer.hidden && !isUnsure(item);
  }

  #button(question) {
    const button = document.createElement("button");
    button.type = "button";
    button.lang = languageOf(question) ?? this.#i18n.locale;
    button.textContent = question;
    button.addEventListener("click", () => {
      stay();
      this.#ask(question);
    });
    return button;
  }
}

/** The same for those who listen: one sentence after the other. */
export function spoken(message, i18n) {
  const questions = suggested(message);
  return [...(isUnsure(message) ? [i18n.text("unsure")] : []), ...(questions.length ? [i18n.text("meant"), ...questions] : [])].join(" ");
}

function isUnsure({ role, status, source, code }) {
  return role === "assistant" && status === "sent" && source !== "notice" && code === "unsure";
}

function suggested({ role, status, suggestions }) {
  return role === "assistant" && status === "sent" ? suggestions ?? [] : [];
}

// The buttons go away: the focus stays in the conversation.
function stay() {
  document.getElementById("transcript").focus({ preventScroll: true });
}
