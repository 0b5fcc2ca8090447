/* One proposal on the screen: what was said, the answer, what was changed in either. */
import { byId, copy, filled, part, say } from "../inbox/dom.js";
import { difference } from "./difference.js";
import { keep, kept } from "./outbox.js";

const DRAFTS = "csbot.review.drafts";
const WHO = { user: "customer", assistant: "bot" };

export class Card {
  #words;
  #card = byId("rv-item");
  #answer = byId("rv-answer");
  #item = null;
  #fields = [];
  // What was written and not decided yet, by proposal: nothing of it is lost.
  #drafts = kept(DRAFTS) ?? {};

  constructor(words) {
    this.#words = words;
    this.#answer.addEventListener("input", () => this.#written());
    byId("rv-reset").addEventListener("click", () => this.#reset());
  }

  show(item) {
    this.#item = item;
    this.#card.hidden = false;
    const draft = this.#drafts[item.id];
    this.#tags(item);
    this.#tell("failed", item.failed);
    part(this.#card, "failed-part").hidden = !item.failed;
    const turns = draft?.turns ?? item.turns;
    this.#fields = item.turns.map((turn, place) => this.#turn(turn, turns[place]?.content ?? turn.content));
    part(this.#card, "turns").replaceChildren(...this.#fields.map((each) => each.line));
    this.#fields.at(-1)?.said.setAttribute("id", "rv-question");
    this.#answer.value = draft?.answer ?? item.answer;
    this.#answer.lang = item.locale;
    this.#answer.dir = "auto";
    byId("rv-scenario").value = item.scenario;
    this.#others(item);
    this.#grow(this.#answer);
    this.#compare();
    this.focus();
  }

  hide() {
    this.#item = null;
    this.#card.hidden = true;
  }

  focus() {
    this.#card.focus({ preventScroll: true });
    if (this.#card.getBoundingClientRect().top < 0) this.#card.scrollIntoView();
  }

  edit() {
    this.#answer.focus();
    this.#answer.setSelectionRange(this.#answer.value.length, this.#answer.value.length);
  }

  editTurns() {
    for (const each of this.#fields) this.#open(each);
    this.#fields.at(-1)?.field.focus();
  }

  /** What is to be decided: only what was changed is said. */
  get changes() {
    const changes = {};
    const turns = this.#item.turns.map((turn, place) => ({ ...turn, content: this.#fields[place].field.value }));
    if (turns.some((turn, place) => turn.content !== this.#item.turns[place].content)) changes.turns = turns;
    if (this.#answer.value !== this.#item.answer) changes.answer = this.#answer.value;
    return changes;
  }

  get isWritten() {
    return this.#answer.value.trim() !== "";
  }

  forget(id) {
    delete this.#drafts[id];
    keep(DRAFTS, this.#drafts);
  }

  remember(id, { turns, answer }) {
    if (turns === undefined && answer === undefined) return;
    this.#drafts[id] = { turns, answer };
    keep(DRAFTS, this.#drafts);
  }

  #tags(item) {
    this.#tell("reason", this.#words.reasons[item.reason]);
    const one = item.covers === 1;
    this.#tell("covers", one ? this.#words.covers_one : filled(this.#words.covers, { count: item.covers }));
    const risks = item.risks.map((risk) => this.#words.risks[risk]).join(", ");
    this.#tell("risky", item.is_risky ? `${this.#words.second}${risks ? `: ${risks}` : ""}` : "");
    this.#tell("by-agent", item.by_agent ? this.#words.by_agent : "");
    this.#tell("bot", item.bot);
    const link = part(this.#card, "conversation");
    link.hidden = !item.url;
    if (item.url) link.href = item.url;
  }

  #others(item) {
    const all = byId("rv-all");
    all.checked = false;
    all.closest("label").hidden = !item.others;
    this.#tell("for-all", filled(this.#words.for_all, { count: item.others }));
    const list = part(this.#card, "others");
    list.replaceChildren(...item.others_ask.map((question) => {
      const line = document.createElement("li");
      line.lang = item.locale;
      return say(line, question);
    }));
    list.hidden = true;
  }

  #turn(turn, text) {
    const line = copy("rv-turn");
    const who = this.#words[WHO[turn.role]];
    const each = { line, who, said: part(line, "said"), field: part(line, "field"), before: turn.content };
    line.dataset.role = turn.role;
    say(part(line, "who"), who);
    say(each.said, turn.content).lang = this.#item.locale;
    each.field.value = text;
    each.field.lang = this.#item.locale;
    const label = filled(this.#words.edit_turn, { who });
    each.field.setAttribute("aria-label", label);
    const button = part(line, "edit");
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => {
      this.#open(each);
      each.field.focus();
    });
    each.field.addEventListener("input", () => {
      this.#grow(each.field);
      this.#mark(each);
      this.#compare();
      this.#draft();
    });
    each.field.addEventListener("blur", () => this.#close(each));
    this.#mark(each);
    return each;
  }

  #open(each) {
    each.field.hidden = false;
    each.said.hidden = true;
    part(each.line, "edit").hidden = true;
    this.#grow(each.field);
  }

  #close(each) {
    each.field.hidden = true;
    each.said.hidden = false;
    part(each.line, "edit").hidden = false;
    this.#mark(each);
  }

  /** What was changed in a turn is seen in its place. */
  #mark(each) {
    const after = each.field.value;
    each.said.replaceChildren(...(each.before === after ? [each.before] : pieces(each.before, after)));
  }

  #written() {
    this.#grow(this.#answer);
    this.#compare();
    this.#draft();
  }

  #draft() {
    this.forget(this.#item.id);
    this.remember(this.#item.id, this.changes);
  }

  /** As the server has it, without what was written here. */
  #reset() {
    this.forget(this.#item.id);
    this.show(this.#item);
  }

  #compare() {
    byId("rv-reset").hidden = !Object.keys(this.changes).length;
    const shown = part(this.#card, "diff");
    const before = this.#item.original.answer ?? "";
    const after = this.#answer.value;
    shown.hidden = !before || before === after;
    if (shown.hidden) return;
    const found = difference(before, after);
    part(shown, "before").replaceChildren(...found.filter((each) => each.kind !== "ins").map(piece));
    part(shown, "after").replaceChildren(...found.filter((each) => each.kind !== "del").map(piece));
  }

  #grow(field) {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  }

  #tell(name, text) {
    const shown = part(this.#card, name);
    say(shown, text);
    shown.hidden = !text;
  }
}

function pieces(before, after) {
  return difference(before, after).map(piece);
}

function piece({ kind, text }) {
  return say(document.createElement({ same: "span", del: "del", ins: "ins" }[kind]), text);
}
