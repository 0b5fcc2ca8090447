/* The first screen: who answers, and questions to begin with. */
export class Welcome {
  #node = document.getElementById("welcome");
  #i18n;
  #texts;
  #starters;
  #ask;

  /** ``texts`` and ``starters`` by locale; ``ask(question)`` when one is chosen. */
  constructor(i18n, texts, starters, ask) {
    this.#i18n = i18n;
    this.#texts = texts;
    this.#starters = starters;
    this.#ask = ask;
  }

  set visible(visible) {
    this.#node.hidden = !visible;
  }

  speak() {
    const questions = this.#i18n.pick(this.#starters) ?? [];
    this.#node.querySelector(".hello").textContent = this.#i18n.pick(this.#texts) || this.#i18n.text("hello");
    this.#node.querySelector(".starters").replaceChildren(...questions.map((question) => this.#starter(question)));
  }

  #starter(question) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = question;
    button.addEventListener("click", () => {
      // The button goes away with the first screen: the focus stays in the conversation.
      document.getElementById("transcript").focus({ preventScroll: true });
      this.#ask(question);
    });
    row.append(button);
    return row;
  }
}
