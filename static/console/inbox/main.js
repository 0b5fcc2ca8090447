/* The agents' inbox: a live list, the conversation that is open, and what is known about it. */
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Context } from "./context.js";
import { Unconfirmed, post } from "./pages.js";
import { byId, filled, say } from "./dom.js";
import { List } from "./list.js";
import { listenForKeys } from "./shortcuts.js";
import { Transcript } from "./transcript.js";

const REFRESH_MS = 150;
const SAID_MS = 6000;

class Inbox {
  #page;
  #words;
  #me = null;
  #opened = null;
  #row = null;
  #people = [];
  #refreshing = 0;
  #saying = 0;
  #connection;
  #list;
  #transcript;
  #composer;
  #context;

  constructor(page, words) {
    this.#page = page;
    this.#words = words;
    const send = (frame) => this.#connection.send(frame);
    const choose = (id) => this.open(id);
    this.#list = new List(words, { ask: send, choose });
    this.#transcript = new Transcript(words, (text) => this.#announce(text));
    this.#composer = new Composer(words, { send });
    this.#context = new Context(words, {
      choose,
      reveal: (left) => this.#reveal(left),
      answered: (left) => this.#ask("left_message.answered", { left }),
    });
    this.#connection = new Connection(page.dataset.socket, {
      heard: (frame) => this.#hear(frame),
      lost: () => this.#lost(),
      refused: () => this.#banner(words.refused),
    });
    this.#buttons();
    listenForKeys(this.#keys());
  }

  start() {
    const named = location.hash.slice(1);
    if (/^[0-9a-f-]{36}$/.test(named)) this.#opened = named;
    this.#connection.open();
  }

  open(id) {
    const isOther = this.#opened !== id;
    this.#opened = id;
    history.replaceState(null, "", `#${id}`);
    this.#list.choose(id);
    this.#view("chat");
    if (isOther) this.#page.dataset.loading = "";
    this.#ask("conversation.open");
  }

  #hear(frame) {
    const heard = {
      ready: () => this.#ready(frame),
      "inbox.listed": () => this.#list.listed(frame),
      "inbox.changed": () => this.#list.changed(frame),
      "conversation.opened": () => this.#show(frame),
      "conversation.event": () => frame.conversation === this.#opened && this.#happened(frame.frame),
      "conversation.gone": () => frame.conversation === this.#opened && this.#gone(),
      "message.accepted": () => this.#composer.accepted(frame),
      "reply.suggested": () => frame.conversation === this.#opened && this.#composer.suggested(frame.suggestion),
      "presence.changed": () => this.#present(frame.people),
      done: () => frame.request === "note.add" && this.#composer.noted(),
      error: () => this.#refused(frame),
    }[frame.type];
    heard?.();
  }

  #ready({ me, bots, people, counts }) {
    this.#me = me;
    this.#banner("");
    this.#list.bots(bots);
    this.#list.counted(counts);
    this.#present(people);
    this.#list.ask();
    if (this.#opened) this.open(this.#opened);
  }

  #show(frame) {
    const row = frame.conversation;
    if (row.id !== this.#opened) return;
    const isSame = this.#row?.id === row.id;
    delete this.#page.dataset.loading;
    this.#row = row;
    this.#page.dataset.open = "";
    this.#page.dataset.status = row.status;
    this.#transcript.fill(frame.messages, isSame);
    this.#composer.open(frame, this.#me);
    this.#context.open(frame);
    this.#head(frame);
    this.#read();
  }

  #head({ conversation: row, colleagues, may_assign: mayAssign }) {
    const isMine = row.status === "taken" && row.agent?.id === this.#me.id;
    const title = filled(this.#words.visitor, { name: row.id.slice(0, 4).toUpperCase() });
    say(byId("ib-title"), title);
    const by = row.status === "taken" && !isMine ? filled(this.#words.with, { name: row.agent?.name ?? "" }) : "";
    say(byId("ib-state"), by || (isMine ? this.#words.yours : this.#words.states[row.status]));
    byId("ib-state").dataset.status = row.status;
    byId("ib-take").hidden = !["open", "waiting"].includes(row.status);
    byId("ib-hand-back").hidden = !(isMine || (mayAssign && row.status === "taken"));
    byId("ib-propose").hidden = !this.#words.propose;
    byId("ib-close").hidden = row.status === "closed" || (row.status === "taken" && !isMine && !mayAssign);
    const select = byId("ib-assign");
    select.hidden = !mayAssign || row.status === "closed";
    const online = new Set(this.#people.map((person) => person.id));
    const named = (person) => (online.has(person.id) ? `${person.name} ●` : person.name);
    const others = colleagues.filter((person) => person.id !== row.agent?.id);
    select.replaceChildren(select.firstElementChild, ...others.map((person) => new Option(named(person), person.id)));
    select.value = "";
  }

  #happened(frame) {
    if (frame.type === "note.added") this.#context.noted(frame.note);
    else if (frame.type === "suggestion.changed") {
      if (frame.suggestion.by === this.#me.id) this.#composer.suggested(frame.suggestion);
    } else if (frame.type === "conversation.changed" || frame.type.startsWith("left_message.")) this.#refresh();
    else this.#transcript.hear(frame);
    if (frame.message?.role === "customer") this.#read();
  }

  #refresh() {
    clearTimeout(this.#refreshing);
    this.#refreshing = setTimeout(() => this.#opened && this.#ask("conversation.open"), REFRESH_MS);
  }

  #read() {
    if (document.visibilityState === "visible" && this.#opened) this.#ask("conversation.read", { seq: this.#transcript.newest });
  }

  #gone() {
    this.#opened = this.#row = null;
    history.replaceState(null, "", location.pathname);
    delete this.#page.dataset.open;
    delete this.#page.dataset.loading;
    this.#list.choose(null);
    this.#view("list");
  }

  #refused(frame) {
    if (this.#composer.refused(frame)) return;
    if (frame.request === "conversation.open") this.#gone();
    this.#toast(frame.message);
    if (this.#opened) this.#refresh();
  }

  #lost() {
    this.#banner(this.#words.lost);
    this.#composer.lost();
  }

  #present(people) {
    this.#people = people;
    const others = people.filter((person) => person.id !== this.#me.id).map((person) => person.name);
    say(byId("ib-people"), others.length ? filled(this.#words.online, { names: others.join(", ") }) : this.#words.alone);
  }

  #buttons() {
    const click = (id, action) => byId(id).addEventListener("click", action);
    click("ib-take", () => this.#ask("conversation.take"));
    click("ib-hand-back", () => this.#ask("conversation.hand_back"));
    click("ib-close", () => byId("ib-sure").showModal());
    click("ib-propose", () => this.#propose());
    click("ib-back", () => this.#view("list"));
    click("ib-known", () => this.#view(this.#page.dataset.view === "context" ? "chat" : "context"));
    click("ib-keys", () => byId("ib-help").showModal());
    byId("ib-sure").addEventListener("close", ({ target }) => target.returnValue === "yes" && this.#ask("conversation.close"));
    byId("ib-assign").addEventListener("change", ({ target }) => target.value && this.#ask("conversation.assign", { to: Number(target.value) }));
    document.addEventListener("visibilitychange", () => this.#read());
  }

  #keys() {
    const press = (id) => () => byId(id).hidden || this.#opened === null || byId(id).click();
    return {
      j: () => this.#list.step(1),
      k: () => this.#list.step(-1),
      t: press("ib-take"),
      h: press("ib-hand-back"),
      r: () => this.#opened && this.#composer.focus("reply"),
      n: () => this.#opened && this.#composer.focus("note"),
      s: press("ib-suggest"),
      "/": () => this.#list.focusSearch(),
      "?": () => byId("ib-help").showModal(),
    };
  }

  #ask(type, fields = {}) {
    if (!this.#connection.send({ type, id: this.#opened, ...fields })) this.#banner(this.#words.lost);
  }

  async #reveal(left) {
    try {
      const { contact } = await post(this.#words.reveal, left);
      this.#context.revealed({ left, contact });
    } catch (error) {
      if (error instanceof Unconfirmed) this.#context.unconfirmed(left, error.where);
      else this.#toast(error.message || this.#words.not_shown);
    }
  }

  async #propose() {
    const button = byId("ib-propose");
    button.disabled = true;
    try {
      this.#toast((await post(this.#words.propose, this.#opened)).message);
    } catch (error) {
      this.#toast(error.message || this.#words.not_proposed);
    } finally {
      button.disabled = false;
    }
  }

  #view(name) {
    this.#page.dataset.view = name;
    byId("ib-known").setAttribute("aria-expanded", name === "context");
  }

  #banner(text) {
    const banner = byId("ib-banner");
    say(banner, text);
    banner.hidden = !text;
    this.#page.toggleAttribute("data-lost", Boolean(text));
  }

  #toast(text) {
    const toast = byId("ib-toast");
    say(toast, text);
    toast.hidden = false;
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => (toast.hidden = true), SAID_MS);
  }

  #announce(text) {
    say(byId("ib-announcer"), text);
  }
}

const page = byId("inbox");
if (page) new Inbox(page, JSON.parse(byId("inbox-words").textContent)).start();
