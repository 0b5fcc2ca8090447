/* What was said in the conversation that is open, as it is now. */
import { byId, copy, part, say } from "./dom.js";
import { hour, long } from "./times.js";

const NEAR_END_PX = 120;
const TYPING_MS = 6000;
const NOBODY = "00000000-0000-0000-0000-000000000000";

export class Transcript {
  #words;
  #announce;
  #items = new Map();
  #messages = new Map();
  #list = byId("ib-messages");
  #typing = byId("ib-typing");
  #typed = 0;

  constructor(words, announce) {
    this.#words = words;
    this.#announce = announce;
  }

  /** The highest number there is, of what is there. */
  get newest() {
    return Math.max(0, ...[...this.#messages.values()].map((message) => message.seq));
  }

  /** Everything anew. ``isSame``: it is the conversation that stood here before. */
  fill(messages, isSame) {
    const place = isSame && !this.#isAtEnd() ? this.#list.scrollTop : null;
    this.#items.clear();
    this.#messages.clear();
    this.#list.replaceChildren();
    this.#typing.hidden = true;
    for (const message of messages) this.#put(message);
    if (place === null) this.#toEnd();
    else this.#list.scrollTop = place;
  }

  /** A frame that customers' pages hear, too. */
  hear(frame) {
    const isAtEnd = this.#isAtEnd();
    if (frame.type === "message.delta") this.#delta(frame);
    else if (frame.message) this.#hearMessage(frame);
    else if (frame.type === "feedback.recorded") this.#feedback(frame);
    else if (frame.type === "customer.typing") this.#showTyping();
    if (isAtEnd) this.#toEnd();
  }

  #hearMessage({ type, message }) {
    const isNew = !this.#messages.has(message.id);
    this.#put(message);
    if (message.role === "customer") this.#typing.hidden = true;
    const isSaid = isNew ? message.status === "sent" : type === "message.sent";
    if (isSaid && message.role !== "agent" && message.text) {
      this.#announce(`${this.#who(message)}: ${message.text}`);
    }
  }

  #put(message) {
    this.#messages.set(message.id, message);
    let item = this.#items.get(message.id);
    if (!item) {
      item = copy("ib-message");
      this.#items.set(message.id, item);
      item.dataset.seq = message.seq;
      const after = [...this.#list.children].findLast((other) => Number(other.dataset.seq) < message.seq);
      this.#list.insertBefore(item, after ? after.nextElementSibling : this.#list.firstElementChild);
    }
    this.#draw(item, message);
  }

  #draw(item, message) {
    item.dataset.role = message.role;
    item.dataset.status = message.status;
    say(part(item, "who"), this.#who(message));
    say(part(item, "source"), message.role === "assistant" ? (this.#words.sources[message.source] ?? "") : "");
    say(part(item, "text"), message.text);
    part(item, "text").hidden = !message.text;
    const note = this.#note(message);
    part(item, "note").hidden = !note;
    say(part(item, "note"), note);
    const time = part(item, "time");
    time.dateTime = message.created_at;
    time.title = long(message.created_at);
    say(time, hour(message.created_at));
    this.#thumbs(item, message.feedback);
    this.#why(item, message);
  }

  /** Where it is told how an answer of the bot came about, and where it is put right. */
  #why(item, message) {
    const shown = part(item, "why");
    shown.hidden = message.role !== "assistant" || message.status !== "sent" || !this.#words.why;
    if (!shown.hidden) shown.querySelector("a").href = this.#words.why.replace(NOBODY, message.id);
  }

  #who(message) {
    return message.author ?? this.#words.who[message.role];
  }

  #note({ status, code }) {
    return this.#words.statuses[code] ?? this.#words.statuses[status] ?? "";
  }

  #thumbs(item, feedback) {
    const thumbs = part(item, "feedback");
    thumbs.hidden = !feedback;
    if (feedback) say(thumbs, [this.#words.feedback[feedback.value], feedback.comment].filter(Boolean).join(": "));
  }

  #feedback({ message_id: id, feedback }) {
    const message = this.#messages.get(id);
    if (message) this.#put({ ...message, feedback });
  }

  #delta({ message_id: id, offset, text }) {
    const message = this.#messages.get(id);
    if (!message || message.status === "cancelled" || offset > message.text.length) return;
    this.#put({ ...message, status: "generating", text: message.text.slice(0, offset) + text });
  }

  #showTyping() {
    this.#typing.hidden = false;
    clearTimeout(this.#typed);
    this.#typed = setTimeout(() => (this.#typing.hidden = true), TYPING_MS);
  }

  #isAtEnd() {
    return this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < NEAR_END_PX;
  }

  #toEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}

