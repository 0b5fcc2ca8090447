/* The list at the left: tabs, filters, and one line for each conversation. */
import { byId, copy, filled, part, say } from "./dom.js";
import { ago, short } from "./times.js";

const SEARCH_MS = 250;
const AGES_MS = 30000;
const PAGE_ROWS = 50;
const MOST_ROWS = 300;

export class List {
  #words;
  #callbacks;
  #rows = new Map();
  #items = new Map();
  #tab = "waiting";
  #limit = PAGE_ROWS;
  #chosen = null;
  #typing = 0;
  #list = byId("ib-rows");
  #filters = byId("ib-filters");
  #tabs = [...document.querySelectorAll("#ib-tabs [data-tab]")];

  /** ``callbacks``: ask(query), choose(id). */
  constructor(words, callbacks) {
    this.#words = words;
    this.#callbacks = callbacks;
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.show(tab.dataset.tab));
    this.#filters.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#asked(), SEARCH_MS);
    });
    this.#filters.addEventListener("submit", (event) => event.preventDefault());
    byId("ib-more").addEventListener("click", () => {
      this.#limit = Math.min(MOST_ROWS, this.#limit + PAGE_ROWS);
      this.ask();
    });
    setInterval(() => this.#age(), AGES_MS);
  }

  /** Go to another tab. */
  show(tab) {
    this.#tab = tab;
    for (const each of this.#tabs) each.setAttribute("aria-pressed", each.dataset.tab === tab);
    this.#asked();
  }

  ask() {
    const fields = Object.fromEntries(new FormData(this.#filters));
    const query = { type: "inbox.list", tab: this.#tab, limit: this.#limit };
    for (const [name, value] of Object.entries(fields)) if (value) query[name] = value;
    this.#callbacks.ask(query);
  }

  bots(bots) {
    const select = byId("ib-bot");
    select.replaceChildren(select.firstElementChild, ...bots.map((bot) => new Option(bot.name, bot.id)));
    select.hidden = bots.length < 2;
  }

  listed({ tab, rows, is_more: isMore, counts }) {
    if (tab !== this.#tab) return;
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    byId("ib-more").hidden = !isMore || this.#limit >= MOST_ROWS;
    this.counted(counts);
    this.#draw();
  }

  changed({ rows, gone, counts }) {
    for (const id of gone) this.#rows.delete(id);
    for (const row of rows) this.#rows.set(row.id, row);
    this.counted(counts);
    this.#draw();
  }

  counted(counts) {
    for (const tab of this.#tabs) {
      const badge = part(tab, "count");
      if (!badge) continue;
      const count = counts[tab.dataset.tab] ?? 0;
      badge.hidden = !count;
      say(badge, count);
    }
    const isUnread = counts.unread > 0;
    part(this.#tabs.find((tab) => tab.dataset.tab === "mine"), "unread").hidden = !isUnread;
    const waits = counts.waiting + (counts.unread ?? 0);
    document.title = document.title.replace(/^(\(\d+\) )?/, waits ? `(${waits}) ` : "");
  }

  choose(id) {
    this.#chosen = id;
    for (const [each, item] of this.#items) item.toggleAttribute("data-chosen", each === id);
    for (const [each, item] of this.#items) part(item, "open").setAttribute("aria-current", each === id);
  }

  /** Choose the next line, or the one before. */
  step(by) {
    const ids = [...this.#list.children].map((item) => item.dataset.id);
    if (!ids.length) return;
    const at = ids.indexOf(this.#chosen);
    const next = ids[Math.max(0, Math.min(ids.length - 1, at < 0 ? 0 : at + by))];
    this.#callbacks.choose(next);
    this.#items.get(next)?.scrollIntoView({ block: "nearest" });
  }

  focusSearch() {
    byId("ib-search").focus();
  }

  #asked() {
    this.#limit = PAGE_ROWS;
    // What stands there belongs to another question.
    this.#rows.clear();
    this.#draw();
    byId("ib-empty").hidden = true;
    this.ask();
  }

  #draw() {
    const rows = [...this.#rows.values()].sort(this.#tab === "waiting" ? byWaiting : byChange);
    for (const [id, item] of this.#items) if (!this.#rows.has(id)) this.#forget(id, item);
    rows.forEach((row, at) => {
      const item = this.#items.get(row.id) ?? this.#made(row.id);
      this.#fill(item, row);
      // Moving what stands right already would take the focus away.
      if (this.#list.children[at] !== item) this.#list.insertBefore(item, this.#list.children[at] ?? null);
    });
    const isFiltered = [...new FormData(this.#filters).values()].some(Boolean);
    const empty = byId("ib-empty");
    empty.hidden = rows.length > 0;
    say(empty, isFiltered ? this.#words.nothing_found : this.#words.empty[this.#tab]);
  }

  #made(id) {
    const item = copy("ib-row");
    item.dataset.id = id;
    part(item, "open").addEventListener("click", () => this.#callbacks.choose(id));
    this.#items.set(id, item);
    item.toggleAttribute("data-chosen", id === this.#chosen);
    return item;
  }

  #forget(id, item) {
    item.remove();
    this.#items.delete(id);
  }

  #fill(item, row) {
    item.dataset.status = row.status;
    say(part(item, "name"), filled(this.#words.visitor, { name: row.id.slice(0, 4).toUpperCase() }));
    say(part(item, "bot"), row.bot.name);
    const said = row.last ? `${this.#words.roles[row.last.role]}${row.last.text}` : this.#words.nothing_said;
    say(part(item, "text"), said);
    const unread = part(item, "unread");
    unread.hidden = !row.unread || row.status === "closed";
    say(unread, row.unread);
    unread.setAttribute("aria-label", filled(this.#words.unread, { count: row.unread }));
    this.#tag(item, "reason", row.status === "waiting" || row.status === "taken" ? this.#words.reasons[row.reason] : "");
    this.#tag(item, "agent", row.agent?.name);
    this.#tag(item, "left", row.left ? this.#words.left : "");
    this.#tag(item, "rating", row.rating ? `${row.rating} / 5` : "");
    this.#timed(item, row);
  }

  #tag(item, name, text) {
    const tag = part(item, name);
    tag.hidden = !text;
    say(tag, text ?? "");
  }

  #timed(item, row) {
    const time = part(item, "time");
    time.dateTime = row.waiting_since ?? row.closed_at ?? row.last?.created_at ?? row.updated_at;
    say(time, row.waiting_since ? ago(row.waiting_since) : short(time.dateTime));
  }

  #age() {
    for (const row of this.#rows.values()) {
      const item = this.#items.get(row.id);
      if (item) this.#timed(item, row);
    }
  }
}

function byWaiting(one, other) {
  return (one.waiting_since ?? "").localeCompare(other.waiting_since ?? "");
}

function byChange(one, other) {
  return (other.closed_at ?? other.updated_at).localeCompare(one.closed_at ?? one.updated_at);
}
