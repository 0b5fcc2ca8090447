/* The short form after a thumbs-down: why, and in the customer's own words. */
const REASONS = ["wrong", "incomplete", "unclear", "rude", "other"];

export class Reasons {
  #node = document.getElementById("reasons-template").content.firstElementChild.cloneNode(true);

  /** ``done`` gets ``{reasons, comment}``, or null when the form was skipped. */
  constructor(i18n, done) {
    const [skip, submit] = this.#node.querySelectorAll(".buttons button");
    this.#node.querySelector("legend").textContent = i18n.text("reasons");
    this.#node.querySelector(".comment span").textContent = i18n.text("comment");
    this.#node.querySelector(".chips").append(...REASONS.map((reason) => chip(reason, i18n.text(reason))));
    skip.textContent = i18n.text("skip");
    submit.textContent = i18n.text("submit");
    skip.addEventListener("click", () => done(null));
    this.#node.addEventListener("submit", (event) => {
      event.preventDefault();
      done(this.#details());
    });
    this.#node.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape" && !event.isComposing) done(null);
    });
  }

  get node() {
    return this.#node;
  }

  focus() {
    this.#node.querySelector("input").focus();
    this.#node.scrollIntoView({ block: "nearest" });
  }

  #details() {
    const chosen = [...this.#node.querySelectorAll("input:checked")].map((input) => input.value);
    const comment = this.#node.querySelector("textarea").value.trim();
    return chosen.length || comment ? { reasons: chosen, comment } : null;
  }
}

function chip(value, text) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  const words = document.createElement("span");
  input.type = "checkbox";
  input.value = value;
  words.textContent = text;
  label.append(input, words);
  return label;
}
