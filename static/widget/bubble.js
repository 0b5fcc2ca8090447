/* One message on the screen: what was said, how it stands, and what can be done about it. */
import { Doubt } from "./doubt.js";
import { languageOf } from "./language.js";
import { render } from "./markdown.js";
import { hasMasked, named } from "./masked.js";
import { Reasons } from "./reasons.js";

const WRITTEN = new Set(["assistant", "agent"]);
const ASK_A_PERSON = new Set(["busy", "not_accepted", "withheld", "unsure", "unanswered"]);
// Said before, and perhaps to another question: the customer can tell.
const READY_MADE = new Set(["curated", "cache"]);
// The server's own sentence names the agent.
const NAMING = new Set(["agent_joined", "agent_left"]);
const OTHER_QUESTION = "other_question";
const COPIED_MS = 1500;

export class Bubble {
  #node;
  #i18n;
  #act;
  #doubt;
  #item = null;
  #reasons = null;

  /** ``act(what, item, details)`` is called when a button of the message is pressed. */
  constructor(template, i18n, act) {
    this.#node = template.content.firstElementChild.cloneNode(true);
    this.#i18n = i18n;
    this.#act = act;
    for (const button of this.#node.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this.#press(button.dataset.do));
    }
    this.#doubt = new Doubt(this.#find(".doubt"), i18n, (question) => act("ask", this.#item, question));
    this.#words();
  }

  get node() {
    return this.#node;
  }

  /** Show ``item``; nothing happens when it is shown already. */
  show(item) {
    const before = this.#item;
    if (this.#same(before, item)) return;
    this.#item = item;
    this.#node.dataset.role = item.role;
    this.#node.dataset.status = item.status;
    this.#node.lang = languageOf(item.text) ?? this.#i18n.locale;
    this.#sign();
    if (["text", "status", "native"].some((name) => before?.[name] !== item[name])) this.#write();
    this.#doubt.show(item);
    this.#under();
  }

  #same(a, b) {
    return a && ["message", "newest", "open", "callable", "native", "speaks", "retold"].every((name) => a[name] === b[name]);
  }

  #find(selector) {
    return this.#node.querySelector(selector);
  }

  // Everybody hears who speaks; it is on the screen where more than one answers.
  #sign() {
    const { role, speaks } = this.#item;
    this.#find(".author").classList.toggle("hidden", !speaks);
    this.#find(".author .name").textContent = Bubble.author(this.#item, this.#i18n);
    this.#find(".author .kind").textContent = role === "agent" && this.#item.author ? this.#i18n.text("human") : "";
    this.#find(".author use").setAttribute("href", role === "agent" ? "#icon-person" : "#icon-spark");
  }

  /** Who said it. */
  static author({ role, author }, i18n) {
    if (role === "agent" && author) return author;
    return i18n.text({ customer: "you", assistant: "bot", agent: "agent", notice: "notice" }[role]);
  }

  /** The sentence of the message: its own text, or what its code stands for. */
  static sentence(item, i18n) {
    if (item.source === "notice") {
      const sentence = i18n.text(`notice.${item.code}`) || item.text;
      return NAMING.has(item.code) && item.native ? item.text : sentence;
    }
    if (item.status !== "failed" || item.role === "customer") return named(item.text, i18n);
    return i18n.text(`failed.${item.code}`) || i18n.text("failed.other");
  }

  #write() {
    const target = this.#find(".text");
    const sentence = Bubble.sentence(this.#item, this.#i18n);
    if (!WRITTEN.has(this.#item.role)) target.textContent = sentence;
    else replaceChanged(target, render(sentence));
    const running = ["pending", "generating"].includes(this.#item.status);
    this.#find(".dots").hidden = !running || Boolean(sentence);
    target.hidden = !sentence;
    this.#find(".bubble").hidden = !running && !sentence;
  }

  #under() {
    const { role, status, source, code, newest, feedback, created_at: created } = this.#item;
    const answered = WRITTEN.has(role) && source !== "notice" && ["sent", "cancelled"].includes(status) && Boolean(this.#item.text);
    const failed = role === "assistant" && status === "failed";
    const unsent = role === "customer" && status === "failed";
    this.#button("copy", answered);
    this.#button("up", answered);
    this.#button("down", answered);
    const repeatable = (failed && code !== "prompt_too_long") || (role === "assistant" && status === "cancelled");
    this.#button("retry", unsent || (newest && repeatable && this.#item.open));
    this.#button("person", this.#item.callable && (failed || ASK_A_PERSON.has(code)));
    const rejected = Boolean(feedback?.reasons?.includes(OTHER_QUESTION));
    this.#button("other", answered && READY_MADE.has(source) && this.#item.open && !rejected);
    const rejection = this.#find(".rejected");
    rejection.hidden = !rejected;
    rejection.textContent = this.#i18n.text(this.#item.retold ? "looking" : "noted");
    for (const value of ["up", "down"]) {
      this.#find(`[data-do=${value}]`).setAttribute("aria-pressed", feedback?.value === value);
    }
    this.#find("[data-do=retry] span").textContent = this.#i18n.text(unsent ? "resend" : "retry");
    this.#find(".state").textContent = this.#state();
    const time = this.#find("time");
    time.hidden = role === "notice" || ["pending", "generating", "sending", "queued"].includes(status);
    if (!created) return;
    time.dateTime = created;
    time.textContent = this.#i18n.time(new Date(created));
  }

  #state() {
    const { role, status, source, text } = this.#item;
    if (role === "customer") {
      return { sending: this.#i18n.text("sending"), queued: this.#i18n.text("queued"), failed: this.#i18n.text("unsent") }[status]
        ?? (hasMasked(text) ? this.#i18n.text("masked") : "");
    }
    if (status === "cancelled") return this.#i18n.text("stopped");
    return source === "curated" ? this.#i18n.text("curated") : "";
  }

  #button(name, visible) {
    this.#find(`.under [data-do=${name}]`).hidden = !visible;
  }

  #words() {
    for (const name of ["copy", "up", "down"]) {
      const button = this.#find(`[data-do=${name}]`);
      button.title = this.#i18n.text(name);
      button.setAttribute("aria-label", this.#i18n.text(name));
    }
    this.#find("[data-do=person] span").textContent = this.#i18n.text("person");
    this.#find("[data-do=other] span").textContent = this.#i18n.text("other_question");
    for (const selector of ["[data-do=other]", ".rejected"]) this.#find(selector).lang = this.#i18n.locale;
  }

  #press(what) {
    const pressed = this.#item.feedback?.value === what;
    if (what === "copy") this.#copy();
    else if (what === "other") this.#reject();
    else if (what === "up" || what === "down") {
      this.#closeReasons();
      this.#act("feedback", this.#item, { value: pressed ? "none" : what });
      if (what === "down" && !pressed) this.#askReasons();
    } else this.#act(what, this.#item);
  }

  async #copy() {
    const done = await this.#act("copy", this.#item);
    if (!done) return;
    const use = this.#find("[data-do=copy] use");
    use.setAttribute("href", "#icon-check");
    setTimeout(() => use.setAttribute("href", "#icon-copy"), COPIED_MS);
  }

  // The button goes away when the server has heard it; the thumb beside it is pressed then.
  #reject() {
    this.#closeReasons();
    this.#find("[data-do=down]").focus({ preventScroll: true });
    this.#act("feedback", this.#item, { value: "down", reasons: [OTHER_QUESTION], comment: "" });
  }

  #askReasons() {
    this.#reasons = new Reasons(this.#i18n, (details) => {
      this.#closeReasons();
      this.#find("[data-do=down]").focus();
      if (details) this.#act("feedback", this.#item, { value: "down", ...details });
    });
    this.#node.append(this.#reasons.node);
    this.#reasons.focus();
  }

  #closeReasons() {
    this.#reasons?.node.remove();
    this.#reasons = null;
  }
}

/** Keep the blocks that did not change: a selection survives, and nothing flickers. */
function replaceChanged(target, fragment) {
  const fresh = [...fragment.childNodes];
  const old = [...target.childNodes];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same].isEqualNode(fresh[same])) same++;
  for (const node of old.slice(same)) node.remove();
  target.append(...fresh.slice(same));
}
