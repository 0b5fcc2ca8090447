/* After the end: how it was, the conversation as a file, and a new one. */
const WORDS = ["rate_1", "rate_2", "rate_3", "rate_4", "rate_5"];

export class Ended {
  #section = document.getElementById("ended");
  #form = document.getElementById("rating");
  #rated = document.getElementById("rated");
  #word = document.getElementById("rating-word");
  #more = this.#form.querySelector(".more");
  #i18n;
  #callbacks;
  #busy = false;
  #rating = null;

  /** ``callbacks``: rate(rating, comment) -> whether it was taken, save(), fresh(). */
  constructor(i18n, callbacks) {
    this.#i18n = i18n;
    this.#callbacks = callbacks;
    this.#form.addEventListener("change", () => this.speak());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    document.getElementById("save").addEventListener("click", () => callbacks.save());
    document.getElementById("again").addEventListener("click", () => callbacks.fresh());
  }

  /** ``rating``: what the customer has given already, or null; ``answered``: whether there is anything to rate. */
  show(closed, { rating, answered }) {
    if (this.#section.hidden && closed) this.#form.reset();
    this.#section.hidden = !closed;
    this.#rating = rating;
    this.#form.hidden = rating !== null || !answered;
    this.#rated.hidden = rating === null;
    this.speak();
  }

  speak() {
    const chosen = this.#chosen;
    this.#more.hidden = !chosen;
    this.#word.textContent = chosen ? this.#i18n.text(WORDS[chosen - 1]) : "";
    this.#rated.querySelector(".text").textContent = this.#i18n.text("rated", this.#rating);
    for (const label of this.#form.querySelectorAll(".stars label")) {
      const { value } = label.querySelector("input");
      label.querySelector(".hidden").textContent = `${this.#i18n.text("stars", value)}: ${this.#i18n.text(WORDS[value - 1])}`;
      label.classList.toggle("lit", Number(value) <= chosen);
    }
  }

  async #submit() {
    if (!this.#chosen || this.#busy) return;
    this.#busy = true;
    const taken = await this.#callbacks.rate(this.#chosen, this.#form.elements.comment.value.trim());
    this.#busy = false;
    // The button is gone: the focus stays where the thanks are.
    if (taken) this.#rated.focus({ preventScroll: true });
  }

  get #chosen() {
    return Number(this.#form.elements.rating.value) || 0;
  }
}
