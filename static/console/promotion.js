// Keeps the list of runners as it is: a few lines of the page are fetched again while it is looked at.

const PAUSE = 3000;
const PAUSE_AFTER_ERROR = 15000;

class Fleet {
  #place;
  #shown = "";

  constructor(place) {
    this.#place = place;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#look();
    });
    this.#wait(PAUSE);
  }

  #wait(pause) {
    setTimeout(() => this.#look(pause), pause);
  }

  async #look(pause) {
    if (document.hidden) {
      if (pause) this.#wait(PAUSE);
      return;
    }
    let next = PAUSE;
    try {
      const answer = await fetch(this.#place.dataset.address, { redirect: "error" });
      if (answer.status === 403 || answer.status === 404) return;
      if (!answer.ok) throw new Error(String(answer.status));
      this.#show(await answer.text());
      this.#place.classList.remove("is-lost");
    } catch {
      this.#place.classList.add("is-lost");
      next = PAUSE_AFTER_ERROR;
    }
    if (pause) this.#wait(next);
  }

  // The server's own lines, escaped by it; nothing is read aloud that did not change.
  #show(html) {
    if (html === this.#shown) return;
    this.#shown = html;
    const page = new DOMParser().parseFromString(html, "text/html");
    this.#place.replaceChildren(...page.body.childNodes);
  }
}

const place = document.getElementById("fleet");
if (place) new Fleet(place);
