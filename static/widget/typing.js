/* Somebody writes: shown until nothing was heard of it for a while. */
const SHOW_MS = 6000;

export class Typing {
  #node = document.getElementById("typing");
  #i18n;
  #announce;
  #timer = 0;
  #name = "";
  #spoken = false;

  constructor(i18n, announce) {
    this.#i18n = i18n;
    this.#announce = announce;
  }

  /** ``name`` is writing. Spoken once until they have said something. */
  heard(name) {
    this.#name = name;
    this.#node.hidden = false;
    this.speak();
    if (!this.#spoken) this.#announce(this.#sentence);
    this.#spoken = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#node.hidden = true; }, SHOW_MS);
  }

  /** They have said it, or have gone. */
  stop() {
    clearTimeout(this.#timer);
    this.#node.hidden = true;
    this.#spoken = false;
  }

  speak() {
    this.#node.querySelector(".text").textContent = this.#sentence;
  }

  get #sentence() {
    return this.#i18n.text("typing", { name: this.#name || this.#i18n.text("agent") });
  }
}
