/* What is known about the customer beside what they say. */
import { byId, copy, part, say } from "./dom.js";
import { ago, languageName, long, short } from "./times.js";

export class Context {
  #words;
  #callbacks;
  #facts = byId("ib-facts");
  #notes = byId("ib-notes");
  #left = byId("ib-left");
  #earlier = byId("ib-earlier");

  /** ``callbacks``: choose(id), reveal(id), answered(id). */
  constructor(words, callbacks) {
    this.#words = words;
    this.#callbacks = callbacks;
  }

  open({ conversation, notes, left_messages: left, earlier }) {
    this.#draw(conversation);
    this.#notes.replaceChildren(...notes.map((note) => this.#note(note)));
    this.#left.replaceChildren(...left.map((message) => this.#message(message)));
    this.#earlier.replaceChildren(...earlier.map((row) => this.#row(row)));
    this.#empty();
  }

  noted(note) {
    this.#notes.append(this.#note(note));
    this.#empty();
  }

  revealed({ left, contact }) {
    const item = this.#left.querySelector(`[data-id="${left}"]`);
    if (!item) return;
    part(item, "contact").hidden = false;
    say(part(item, "contact"), contact);
    part(item, "reveal").hidden = true;
    part(item, "unconfirmed").hidden = true;
  }

  /** The way to prove who one is, in a tab of its own: what is being written here stays. */
  unconfirmed(left, where) {
    const item = this.#left.querySelector(`[data-id="${left}"]`);
    if (!item) return;
    const link = part(item, "confirm");
    link.href = `${where}?next=${encodeURIComponent(location.pathname)}`;
    part(item, "unconfirmed").hidden = false;
    link.focus();
  }

  #draw(row) {
    const facts = {
      bot: row.bot.name,
      locale: languageName(row.locale),
      page: row.page,
      reason: this.#words.reasons[row.reason],
      waiting: row.waiting_since && ago(row.waiting_since),
      agent: row.agent?.name,
      began: long(row.created_at),
      rating: row.rating && `${row.rating} / 5`,
    };
    for (const [name, text] of Object.entries(facts)) {
      const value = part(this.#facts, name);
      value.parentElement.hidden = !text;
      say(value, text ?? "");
    }
  }

  #note(note) {
    const item = copy("ib-note");
    say(part(item, "author"), note.author);
    say(part(item, "text"), note.text);
    const time = part(item, "time");
    time.dateTime = note.created_at;
    say(time, short(note.created_at));
    return item;
  }

  #message(left) {
    const item = copy("ib-left-message");
    item.dataset.id = left.id;
    say(part(item, "name"), left.name || this.#words.nameless);
    say(part(item, "text"), left.text);
    const time = part(item, "time");
    time.dateTime = left.created_at;
    say(time, short(left.created_at));
    part(item, "answered").hidden = left.is_answered;
    part(item, "done").hidden = !left.is_answered;
    part(item, "reveal").addEventListener("click", () => this.#callbacks.reveal(left.id));
    part(item, "answered").addEventListener("click", () => this.#callbacks.answered(left.id));
    return item;
  }

  #row(row) {
    const item = copy("ib-earlier-row");
    say(part(item, "when"), long(row.created_at));
    say(part(item, "text"), row.last?.text ?? this.#words.nothing_said);
    item.firstElementChild.addEventListener("click", () => this.#callbacks.choose(row.id));
    return item;
  }

  #empty() {
    for (const list of [this.#notes, this.#left, this.#earlier]) {
      list.closest("section").hidden = list !== this.#notes && !list.children.length;
    }
    byId("ib-notes-empty").hidden = this.#notes.children.length > 0;
  }
}
