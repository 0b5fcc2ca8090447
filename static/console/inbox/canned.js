/* Canned replies, found while their short name is written after a slash. */
import { byId, copy, part, say } from "./dom.js";

const SHOWN = 8;

export class Canned {
  #field;
  #callbacks;
  #replies = [];
  #found = [];
  #at = 0;
  #list = byId("ib-canned");

  /** ``callbacks``: chosen(reply). */
  constructor(field, callbacks) {
    this.#field = field;
    this.#callbacks = callbacks;
    field.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  set replies(replies) {
    this.#replies = replies;
    this.close();
  }

  get isOpen() {
    return !this.#list.hidden;
  }

  /** Show what fits ``text``, if it is a slash and the beginning of a name. */
  look(text) {
    const name = /^\/([\p{L}\p{N}_-]*)$/u.exec(text)?.[1]?.toLowerCase();
    if (name === undefined) return this.close();
    const fits = ({ shortcut, text: said }) => shortcut.toLowerCase().includes(name) || (name && said.toLowerCase().includes(name));
    const starts = ({ shortcut }) => (shortcut.toLowerCase().startsWith(name) ? 0 : 1);
    this.#found = this.#replies.filter(fits).sort((one, other) => starts(one) - starts(other)).slice(0, SHOWN);
    this.#at = 0;
    this.#draw();
  }

  /** Whether the key was meant for the list. */
  key(event) {
    if (!this.isOpen || event.isComposing) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#found.length) {
      this.#at = (this.#at + step + this.#found.length) % this.#found.length;
      this.#draw();
    } else if ((event.key === "Enter" || event.key === "Tab") && this.#found.length) this.#choose(this.#found[this.#at]);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  close() {
    this.#list.hidden = true;
    this.#field.removeAttribute("aria-activedescendant");
  }

  #choose(reply) {
    this.close();
    this.#callbacks.chosen(reply);
  }

  #draw() {
    this.#list.replaceChildren(...this.#found.map((reply, at) => this.#option(reply, at)));
    if (!this.#found.length) this.#list.append(copy("ib-canned-none"));
    this.#list.hidden = false;
    if (this.#found.length) this.#field.setAttribute("aria-activedescendant", `ib-canned-${this.#at}`);
  }

  #option(reply, at) {
    const option = copy("ib-canned-option");
    option.id = `ib-canned-${at}`;
    option.setAttribute("aria-selected", at === this.#at);
    say(part(option, "shortcut"), `/${reply.shortcut}`);
    say(part(option, "text"), reply.text);
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.#choose(reply);
    });
    return option;
  }
}
