/* Where the customer writes. Enter sends, except while an input method composes a word. */
const LIMIT = 4000;
const WARN_BELOW = 400;
const ROWS = 5;
const IME_KEY = 229;

export class Composer {
  #form = document.getElementById("composer");
  #text = document.getElementById("text");
  #button = document.getElementById("send");
  #stop = document.getElementById("stop");
  #counter = document.getElementById("counter");
  #composing = false;
  #warned = false;
  #i18n;
  #callbacks;

  /** ``callbacks``: send(text), stop(), draft(text), typing(), announce(text). */
  constructor(i18n, draft, callbacks) {
    this.#i18n = i18n;
    this.#callbacks = callbacks;
    this.#text.value = draft;
    this.#text.addEventListener("compositionstart", () => { this.#composing = true; });
    this.#text.addEventListener("compositionend", () => { this.#composing = false; });
    this.#text.addEventListener("input", () => {
      this.#changed();
      if (this.#text.value.trim()) callbacks.typing();
    });
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#stop.addEventListener("click", () => callbacks.stop());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#changed();
  }

  focus() {
    this.#text.focus();
  }

  /** Measure again: nothing has a height while the panel is hidden. */
  fit() {
    this.#text.style.height = "";
    if (!this.#text.scrollHeight) return;
    const style = getComputedStyle(this.#text);
    const padding = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
    const highest = parseFloat(style.lineHeight) * ROWS + padding;
    this.#text.style.height = `${Math.min(this.#text.scrollHeight, highest)}px`;
  }

  get text() {
    return this.#text.value.trim();
  }

  clear() {
    this.#text.value = "";
    this.#changed();
  }

  answering(running) {
    if (!running && document.activeElement === this.#stop) this.focus();
    this.#stop.hidden = !running;
  }

  enable(enabled) {
    this.#text.disabled = !enabled;
  }

  // Some browsers end the composition before they report the Enter that ended it: 229 tells.
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey) return;
    if (this.#composing || event.isComposing || event.keyCode === IME_KEY) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const text = this.#text.value.trim();
    if (!text || this.#left() < 0) return;
    this.clear();
    this.#callbacks.send(text);
    this.focus();
  }

  #left() {
    return LIMIT - [...this.#text.value.trim()].length;
  }

  #changed() {
    const left = this.#left();
    const sentence = this.#i18n.text(left < 0 ? "over" : "left", Math.abs(left));
    this.fit();
    this.#counter.hidden = left >= WARN_BELOW;
    this.#counter.classList.toggle("grave", left < 0);
    this.#counter.textContent = sentence;
    this.#button.setAttribute("aria-disabled", left < 0 || left === LIMIT);
    this.#callbacks.draft(this.#text.value);
    const zone = left < 0 ? "over" : left < WARN_BELOW && "near";
    if (zone && zone !== this.#warned) this.#callbacks.announce(sentence);
    this.#warned = zone;
  }
}
