/* The list of messages: draws each once, follows the end only when the reader is there, and lets
   arrow keys walk from message to message. */
import { Bubble } from "./bubble.js";

const NEAR_PX = 60;

export class Transcript {
  #scroller = document.getElementById("transcript");
  #list = document.getElementById("messages");
  #newer = document.getElementById("newer");
  #template = document.getElementById("message-template");
  #bubbles = new Map();
  #following = true;
  #last;
  #i18n;
  #act;

  constructor(i18n, act) {
    this.#i18n = i18n;
    this.#act = act;
    this.#scroller.addEventListener("scroll", () => this.#scrolled());
    this.#scroller.addEventListener("keydown", (event) => this.#walk(event));
    this.#newer.addEventListener("click", () => {
      this.toEnd();
      this.#scroller.focus({ preventScroll: true });
    });
    new ResizeObserver(() => this.settle()).observe(this.#scroller);
  }

  /** Draw ``items`` (each with a ``key``) in their order; new ones move in when ``live``. */
  show(items, live) {
    const last = items.at(-1)?.message;
    const grown = last !== this.#last;
    this.#last = last;
    const keys = new Set(items.map((item) => item.key));
    for (const [key, bubble] of this.#bubbles) {
      if (keys.has(key)) continue;
      bubble.node.remove();
      this.#bubbles.delete(key);
    }
    items.forEach((item, at) => this.#draw(item, at, live));
    this.settle();
    if (!this.#following && grown) this.#newer.hidden = false;
  }

  /** Draw everything anew, for instance in another language. */
  reset() {
    for (const bubble of this.#bubbles.values()) bubble.node.remove();
    this.#bubbles.clear();
    this.#following = true;
  }

  /** The panel came into sight: stand where the reader was following. */
  settle() {
    if (this.#following) this.toEnd();
  }

  toEnd() {
    this.#following = true;
    this.#newer.hidden = true;
    // The first screen is read from its beginning.
    this.#scroller.scrollTop = this.#bubbles.size ? this.#scroller.scrollHeight : 0;
  }

  #draw(item, at, live) {
    let bubble = this.#bubbles.get(item.key);
    if (!bubble) {
      bubble = new Bubble(this.#template, this.#i18n, this.#act);
      bubble.node.classList.toggle("enters", live);
      this.#bubbles.set(item.key, bubble);
    }
    bubble.node.classList.toggle("again", item.again);
    bubble.show(item);
    if (this.#list.children[at] !== bubble.node) this.#list.insertBefore(bubble.node, this.#list.children[at] ?? null);
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.#following) this.#newer.hidden = true;
  }

  #walk(event) {
    const messages = [...this.#list.children];
    const current = messages.indexOf(event.target);
    if (current < 0 && event.target !== this.#scroller) return;
    const goals = { ArrowDown: current + 1, ArrowUp: current < 0 ? messages.length - 1 : current - 1, Home: 0, End: messages.length - 1 };
    const goal = messages[goals[event.key]];
    if (!goal) return;
    event.preventDefault();
    goal.focus();
  }
}
