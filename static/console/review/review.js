/* The review queue: the next proposals are here before they are wanted. */
import { difference } from "./difference.js";

const AHEAD = 2;
const ROLES = { user: "customer", assistant: "bot" };

class Review {
  #words;
  #token;
  #waiting = [];
  #item = null;
  #shownAt = 0;
  #busy = false;
  #asking = null;
  // Texts that were edited and could not be sent: nothing is lost.
  #drafts = new Map();

  constructor(words, token) {
    this.#words = words;
    this.#token = token;
    this.answer.addEventListener("input", () => this.#compare());
    for (const button of document.querySelectorAll("[data-act]")) {
      button.addEventListener("click", () => this.act(button.dataset.act));
    }
    for (const button of document.querySelectorAll("[data-rejection]")) {
      button.addEventListener("click", () => this.#decide("reject", button.dataset.rejection));
    }
    byId("rv-keys").addEventListener("click", () => byId("rv-help").showModal());
    byId("rv-propose").addEventListener("submit", (event) => this.#propose(event));
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  get answer() {
    return byId("rv-answer");
  }

  async start() {
    await this.#fetchMore();
    this.#next();
  }

  act(name) {
    if (name === "edit") this.answer.focus();
    else if (name === "undo") this.#undo();
    else if (name === "reject") this.#askWhy();
    else if (this.#item) this.#decide(name);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (byId("rv-help").open) return;
    const isWriting = event.target.closest("textarea, select, input[type=text], input[type=search]");
    if (event.key === "Escape") {
      if (isWriting) byId("rv-item").focus();
      byId("rv-rejections").hidden = true;
      return;
    }
    if (isWriting) return;
    const acts = { a: "approve", e: "edit", h: "hand_over", r: "reject", s: "skip", u: "undo" };
    const key = event.key.toLowerCase();
    const digit = byId("rv-rejections").hidden ? 0 : Number.parseInt(key, 10);
    if (digit >= 1) {
      document.querySelectorAll("[data-rejection]")[digit - 1]?.click();
    } else if (key === "b") {
      byId("rv-all").click();
    } else if (key === "?") {
      byId("rv-help").showModal();
    } else if (key in acts) {
      this.act(acts[key]);
    } else {
      return;
    }
    event.preventDefault();
  }

  #askWhy() {
    const reasons = byId("rv-rejections");
    reasons.hidden = !reasons.hidden;
    document.querySelector("[data-act=reject]").setAttribute("aria-expanded", String(!reasons.hidden));
    if (!reasons.hidden) reasons.querySelector("button").focus();
  }

  async #decide(verdict, rejection = "") {
    if (this.#busy || !this.#item) return;
    const item = this.#item;
    const text = this.answer.value;
    const forAll = byId("rv-all").checked;
    const fields = {
      verdict,
      rejection,
      for_all: forAll,
      scenario: byId("rv-scenario").value,
      seconds: (performance.now() - this.#shownAt) / 1000,
    };
    if (text !== item.answer) fields.answer = text;
    if (verdict === "approve" && !text.trim()) {
      this.#problem(this.#words.unwritten);
      this.answer.focus();
      return;
    }
    this.#busy = true;
    // Most decisions are taken as they are meant: the next one is shown at once.
    this.#next();
    const answer = await this.#post(this.#words.urls.decide.replace("00000000-0000-0000-0000-000000000000", item.id), fields);
    this.#busy = false;
    if (answer.problem) {
      this.#drafts.set(item.id, text);
      if (this.#item) this.#waiting.unshift(this.#item);
      this.#show(item);
      this.#problem(answer.problem);
      return;
    }
    this.#drafts.delete(item.id);
    if (forAll && answer.count > 1) {
      // The others of the cluster are decided, too: what is held here may be among them.
      this.#waiting = [];
      this.#item = null;
      await this.#fetchMore();
      this.#next();
      this.#say(this.#words.for_all.replace("{count}", answer.count));
    } else {
      this.#say(this.#words.done[answer.verdict]);
    }
    this.#progress(answer);
    this.#fill();
  }

  async #undo() {
    if (this.#busy) return;
    this.#busy = true;
    const answer = await this.#post(this.#words.urls.undo, {});
    this.#busy = false;
    if (answer.problem) {
      this.#problem(answer.problem);
    } else if (answer.item) {
      if (this.#item) this.#waiting.unshift(this.#item);
      this.#show(answer.item);
      this.#say(this.#words.done.undone);
      this.#progress(answer);
    } else {
      this.#say(this.#words.done.nothing);
    }
  }

  async #propose(event) {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    const answer = await this.#post(event.target.action, {});
    button.disabled = false;
    if (answer.problem) this.#problem(answer.problem);
    else this.#progress(answer);
    await this.#fetchMore();
    if (!this.#item) this.#next();
  }

  #next() {
    const item = this.#waiting.shift() ?? null;
    if (item) this.#show(item);
    else this.#empty();
    this.#fill();
  }

  #fill() {
    if (this.#waiting.length < AHEAD) this.#fetchMore();
  }

  async #fetchMore() {
    this.#asking ??= this.#ask();
    await this.#asking;
    this.#asking = null;
    if (!this.#item && this.#waiting.length && !byId("rv-empty").hidden) this.#next();
  }

  async #ask() {
    const held = [this.#item, ...this.#waiting].filter(Boolean).map((each) => `held=${each.id}`);
    try {
      const answer = await fetch(`${this.#words.urls.next}?${held.join("&")}`, {
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      const known = new Set([this.#item, ...this.#waiting].filter(Boolean).map((each) => each.id));
      this.#waiting.push(...found.items.filter((each) => !known.has(each.id)));
      this.#progress(found);
    } catch {
      this.#problem(this.#words.lost);
    }
  }

  #show(item) {
    this.#item = item;
    this.#shownAt = performance.now();
    byId("rv-empty").hidden = true;
    const card = byId("rv-item");
    card.hidden = false;
    fill("reason", this.#words.reasons[item.reason]);
    fill("covers", item.covers === 1
      ? this.#words.covers_one
      : this.#words.covers.replace("{count}", item.covers));
    fill("risky", item.is_risky ? this.#words.second : "");
    fill("by-agent", item.by_agent ? this.#words.by_agent : "");
    fill("bot", item.bot);
    fill("failed", item.failed);
    part("failed-part").hidden = !item.failed;
    part("turns").replaceChildren(...item.turns.map((turn, place) => this.#turn(turn, place, item)));
    this.answer.value = this.#drafts.get(item.id) ?? item.answer;
    this.answer.lang = item.locale;
    byId("rv-scenario").value = item.scenario;
    byId("rv-all").checked = false;
    byId("rv-rejections").hidden = true;
    byId("rv-problem").hidden = true;
    this.#compare();
    card.focus({ preventScroll: true });
  }

  #turn(turn, place, item) {
    const line = document.createElement("li");
    const who = document.createElement("span");
    const said = document.createElement("span");
    who.textContent = this.#words[ROLES[turn.role]];
    said.textContent = turn.content;
    said.lang = item.locale;
    if (place === item.turns.length - 1) said.id = "rv-question";
    line.append(who, said);
    return line;
  }

  #compare() {
    const shown = part("diff");
    const before = this.#item?.original ?? "";
    const after = this.answer.value;
    shown.hidden = !before || before === after;
    if (shown.hidden) return;
    const names = { same: "span", del: "del", ins: "ins" };
    shown.replaceChildren(...difference(before, after).map(({ kind, text }) => {
      const piece = document.createElement(names[kind]);
      piece.textContent = text;
      return piece;
    }));
  }

  #empty() {
    this.#item = null;
    byId("rv-item").hidden = true;
    byId("rv-empty").hidden = false;
    byId("rv-empty").querySelector("p").textContent = this.#words.empty;
  }

  #progress({ left, today, an_hour: pace }) {
    fill("left", this.#words.left.replace("{count}", left));
    fill("today", this.#words.today.replace("{count}", today));
    fill("an-hour", pace ? this.#words.an_hour.replace("{count}", pace) : "");
  }

  async #post(url, fields) {
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.#token },
        body: JSON.stringify(fields),
      });
      const found = await answer.json();
      return answer.ok || found.problem ? found : { problem: this.#words.lost };
    } catch {
      return { problem: this.#words.lost };
    }
  }

  #say(text) {
    byId("rv-said").textContent = text;
  }

  #problem(text) {
    const problem = byId("rv-problem");
    problem.textContent = text;
    problem.hidden = false;
  }
}

function byId(id) {
  return document.getElementById(id);
}

function part(name) {
  return document.querySelector(`[data-part="${name}"]`);
}

function fill(name, text) {
  const shown = part(name);
  shown.textContent = text;
  shown.hidden = !text;
}

const words = JSON.parse(byId("review-words").textContent);
const token = document.querySelector("#rv-propose input[name=csrfmiddlewaretoken]").value;
new Review(words, token).start();
