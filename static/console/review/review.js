/* The review queue: the next proposals are here before they are wanted. */
import { byId, filled, part, say } from "../inbox/dom.js";
import { Card } from "./card.js";
import { Closed, Outbox } from "./outbox.js";

const AHEAD = 4;
const FEW = 3;
// The server lends for ten minutes.
const FRESH_MS = 8 * 60 * 1000;
const WRITING = "textarea, select, input[type=text], input[type=search]";

class Review {
  #page = byId("review");
  #words;
  #card;
  #outbox;
  #waiting = [];
  #item = null;
  #shownAt = 0;
  #askedAt = 0;
  #asking = null;
  #isUndoing = false;
  // A list that was asked for before may name them once more.
  #decided = new Set();
  // What was written for decisions that may be taken back.
  #written = new Map();

  constructor(words, token) {
    this.#words = words;
    this.#card = new Card(words);
    this.#outbox = new Outbox(words.urls, token, {
      taken: (entry, answer) => this.#taken(entry, answer),
      refused: (entry, problem) => this.#refused(entry, problem),
      line: (state, count) => this.#line(state, count),
    });
    this.#listen();
  }

  start() {
    return this.#fetchMore();
  }

  act(name) {
    const acts = {
      edit: () => this.#card.edit(),
      turns: () => this.#card.editTurns(),
      reject: () => this.#askWhy(),
      all: () => byId("rv-all").closest("label").hidden || byId("rv-all").click(),
    };
    if (name === "undo") this.#undo();
    else if (!this.#item) return;
    else if (name in acts) acts[name]();
    else this.#decide(name);
  }

  #listen() {
    for (const button of document.querySelectorAll("[data-act]")) {
      button.addEventListener("click", () => this.act(button.dataset.act));
    }
    for (const button of document.querySelectorAll("[data-rejection]")) {
      button.addEventListener("click", () => this.#decide("reject", button.dataset.rejection));
    }
    byId("rv-all").addEventListener("change", ({ target }) => (part(this.#page, "others").hidden = !target.checked));
    byId("rv-keys").addEventListener("click", () => byId("rv-help").showModal());
    byId("rv-propose").addEventListener("submit", (event) => this.#propose(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("visibilitychange", () => this.#refresh());
  }

  #key(event) {
    if (event.isComposing || byId("rv-help").open) return;
    const isWriting = event.target.closest?.(WRITING);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && isWriting) {
      event.preventDefault();
      this.act("approve");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      this.#closeReasons();
      if (isWriting && this.#item) this.#card.focus();
      return;
    }
    if (isWriting) return;
    const acts = { a: "approve", e: "edit", t: "turns", h: "hand_over", r: "reject", s: "skip", u: "undo", b: "all" };
    const key = event.key.toLowerCase();
    const digit = byId("rv-rejections").hidden ? 0 : Number.parseInt(key, 10);
    if (digit >= 1) document.querySelectorAll("[data-rejection]")[digit - 1]?.click();
    else if (key === "?") byId("rv-help").showModal();
    else if (Object.hasOwn(acts, key)) this.act(acts[key]);
    else return;
    event.preventDefault();
  }

  #askWhy() {
    const reasons = byId("rv-rejections");
    if (!reasons.hidden) return this.#closeReasons();
    reasons.hidden = false;
    document.querySelector("[data-act=reject]").setAttribute("aria-expanded", "true");
    reasons.querySelector("button").focus();
  }

  #closeReasons() {
    byId("rv-rejections").hidden = true;
    document.querySelector("[data-act=reject]").setAttribute("aria-expanded", "false");
  }

  #decide(verdict, rejection = "") {
    if (!this.#item) return;
    if (["approve", "edit"].includes(verdict) && !this.#card.isWritten) {
      this.#problem(this.#words.unwritten);
      this.#card.edit();
      return;
    }
    const item = this.#item;
    const forAll = byId("rv-all").checked;
    const seconds = (performance.now() - this.#shownAt) / 1000;
    const fields = {
      verdict, rejection, seconds, for_all: forAll, scenario: byId("rv-scenario").value, ...this.#card.changes,
    };
    if (forAll) this.#waiting = this.#waiting.filter((each) => each.group !== item.group);
    this.#problem("");
    this.#decided.add(item.id);
    this.#outbox.add({ item, fields });
    // Most decisions are taken as they are meant: the next one is shown at once.
    this.#next();
  }

  #taken({ item, fields }, answer) {
    this.#card.forget(item.id);
    this.#written.set(item.id, fields);
    const done = answer.is_first ? this.#words.done.first : this.#words.done[answer.verdict];
    const many = answer.count > 1 ? ` ${filled(this.#words.many, { count: answer.count })}` : "";
    const question = this.#item?.turns.at(-1)?.content;
    const next = question ? ` ${filled(this.#words.next, { question })}` : "";
    say(byId("rv-said"), done + many);
    say(byId("rv-announcer"), done + many + next);
    this.#progress(answer);
    if (fields.for_all) this.#fill();
  }

  #refused({ item, fields }, problem) {
    this.#card.remember(item.id, fields);
    if (this.#item) this.#waiting.unshift(this.#item);
    this.#show(item);
    this.#problem(problem);
  }

  async #undo() {
    if (this.#isUndoing) return;
    const unsent = this.#outbox.takeBack();
    if (unsent) {
      this.#written.set(unsent.item.id, unsent.fields);
      this.#back(unsent.item);
      return;
    }
    this.#isUndoing = true;
    try {
      await this.#outbox.empty();
      const answer = await this.#outbox.post(this.#words.urls.undo, {});
      if (answer.problem) this.#problem(answer.problem);
      else if (answer.item) this.#back(answer.item);
      else say(byId("rv-said"), this.#words.done.nothing);
      if (!answer.problem) this.#progress(answer);
    } catch (error) {
      this.#line(error instanceof Closed ? "closed" : "lost", 0);
    } finally {
      this.#isUndoing = false;
    }
  }

  #back(item) {
    this.#card.remember(item.id, this.#written.get(item.id) ?? {});
    this.#waiting = this.#waiting.filter((each) => each.id !== item.id);
    if (this.#item && this.#item.id !== item.id) this.#waiting.unshift(this.#item);
    this.#show(item);
    say(byId("rv-said"), this.#words.done.undone);
    say(byId("rv-announcer"), this.#words.done.undone);
  }

  async #propose(event) {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      const answer = await this.#outbox.post(event.target.action, {});
      if (answer.problem) this.#problem(answer.problem);
      else this.#progress(answer);
      await this.#fetchMore();
    } catch (error) {
      this.#line(error instanceof Closed ? "closed" : "lost", 0);
    }
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }

  #next() {
    const item = this.#waiting.shift() ?? null;
    if (item) this.#show(item);
    else this.#empty();
    this.#fill();
  }

  #show(item) {
    this.#item = item;
    this.#decided.delete(item.id);
    this.#shownAt = performance.now();
    byId("rv-empty").hidden = true;
    this.#closeReasons();
    this.#problem("");
    this.#card.show(item);
  }

  #empty() {
    this.#item = null;
    this.#card.hide();
    const empty = byId("rv-empty");
    empty.hidden = false;
    part(empty, "loading").hidden = !this.#asking;
    part(empty, "nothing").hidden = Boolean(this.#asking);
    if (!this.#asking) empty.focus({ preventScroll: true });
  }

  #fill() {
    if (this.#waiting.length < FEW) this.#fetchMore();
  }

  /** Proposals that were held for long may be somebody else's by now. */
  #refresh() {
    if (document.visibilityState !== "visible" || performance.now() - this.#askedAt < FRESH_MS) return;
    this.#waiting = [];
    this.#fetchMore();
  }

  async #fetchMore() {
    // One at a time: two would bring the same proposals.
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    await this.#asking;
    if (!this.#item && !byId("rv-empty").hidden) this.#waiting.length ? this.#next() : this.#empty();
  }

  async #ask() {
    const held = [this.#item, ...this.#waiting].filter(Boolean).map((each) => each.id);
    const query = new URLSearchParams([...held, ...this.#outbox.ids].map((id) => ["held", id]));
    query.set("wanted", Math.max(AHEAD - this.#waiting.length, 1));
    try {
      const response = await fetch(`${this.#words.urls.next}?${query}`, {
        headers: { Accept: "application/json" }, redirect: "error",
      });
      if (response.status === 403) throw new Closed();
      if (!response.ok) throw new Error(String(response.status));
      const found = await response.json();
      const known = new Set([this.#item, ...this.#waiting].filter(Boolean).map((each) => each.id));
      this.#waiting.push(...found.items.filter((each) => !known.has(each.id) && !this.#decided.has(each.id)));
      this.#askedAt = performance.now();
      this.#progress(found);
    } catch (error) {
      this.#line(error instanceof Closed ? "closed" : "lost", this.#outbox.ids.length);
    }
  }

  #progress({ left, waiting, today, an_hour: pace }) {
    this.#tell("left", filled(this.#words.left, { count: left }));
    this.#tell("today", filled(this.#words.today, { count: today }));
    this.#tell("an-hour", pace ? filled(this.#words.an_hour, { count: pace }) : "");
    for (const line of document.querySelectorAll("[data-reason]")) {
      say(part(line, "count"), waiting[line.dataset.reason] ?? 0);
    }
  }

  #line(state, count) {
    const banner = byId("rv-line");
    banner.hidden = !state;
    if (state) say(banner, filled(this.#words[state], { count }));
  }

  #problem(text) {
    const problem = byId("rv-problem");
    say(problem, text);
    problem.hidden = !text;
  }

  #tell(name, text) {
    const shown = part(this.#page, name);
    say(shown, text);
    shown.hidden = !text;
  }
}

const words = JSON.parse(byId("review-words").textContent);
const token = document.querySelector("#rv-propose input[name=csrfmiddlewaretoken]").value;
new Review(words, token).start();
