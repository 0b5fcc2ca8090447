/* The menu in the header: opens below its button, arrow keys move, Escape returns. */
export class Menu {
  #button = document.getElementById("menu-button");
  #menu = document.getElementById("menu");

  /** ``choose`` gets the name of the chosen item. */
  constructor(choose) {
    this.#button.addEventListener("click", () => (this.#menu.hidden ? this.#open() : this.close()));
    this.#menu.addEventListener("click", (event) => {
      const item = event.target.closest("[data-do]");
      if (!item) return;
      this.close();
      this.#button.focus();
      choose(item.dataset.do);
    });
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
    this.#menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !this.#menu.parentElement.contains(event.relatedTarget)) this.close();
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this.#menu.parentElement.contains(event.target)) this.close();
    });
  }

  get open() {
    return !this.#menu.hidden;
  }

  close() {
    this.#menu.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
  }

  #open() {
    this.#menu.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#items[0].focus();
  }

  get #items() {
    return [...this.#menu.querySelectorAll("[data-do]:not([hidden])")];
  }

  #key(event) {
    const items = this.#items;
    const at = items.indexOf(document.activeElement);
    const goals = { ArrowDown: (at + 1) % items.length, ArrowUp: (at + items.length - 1) % items.length, Home: 0, End: items.length - 1 };
    if (event.key in goals) {
      event.preventDefault();
      items[goals[event.key]].focus();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
      this.#button.focus();
    } else if (event.key === "Tab") this.close();
  }
}
