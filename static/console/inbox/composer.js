/* Where agents write: to the customer, or a note to each other. Nothing written is lost. */
import { Canned } from "./canned.js";
import { byId, filled, part, say } from "./dom.js";

const TYPING_MS = 2000;
const ANSWER_MS = 10000;
const KEY = "inbox.drafts";

export class Composer {
  #words;
  #callbacks;
  #form = byId("ib-composer");
  #field = byId("ib-text");
  #problem = byId("ib-problem");
  #card = byId("ib-suggestion");
  #canned;
  #drafts = stored();
  #conversation = null;
  #mayReply = false;
  #sending = null;
  #typed = 0;
  #suggestion = null;
  #basis = {};

  /** ``callbacks``: send(frame) -> whether it was sent. */
  constructor(words, callbacks) {
    this.#words = words;
    this.#callbacks = callbacks;
    this.#canned = new Canned(this.#field, { chosen: (reply) => this.#put(reply.text, { canned: reply.id, from: reply.text }) });
    this.#field.addEventListener("input", () => this.#written());
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const mode of this.#form.elements.mode) mode.addEventListener("change", () => this.#moded());
    byId("ib-suggest").addEventListener("click", () => this.#send({ type: "reply.suggest" }));
    part(this.#card, "insert").addEventListener("click", () => this.#insert());
    part(this.#card, "send").addEventListener("click", () => this.#sendSuggestion());
    part(this.#card, "ignore").addEventListener("click", () => this.#ignore());
  }

  open({ conversation, canned, suggestion }, me) {
    const isOther = this.#conversation !== conversation.id;
    if (isOther) {
      this.#conversation = conversation.id;
      this.#sending = null;
      this.#basis = {};
      this.#say("");
      const draft = this.#drafts[conversation.id] ?? {};
      this.#form.elements.mode.value = draft.mode ?? "reply";
      this.#field.value = draft.text ?? "";
    }
    this.#canned.replies = canned;
    this.#mayReply = conversation.status === "taken" && conversation.agent?.id === me.id;
    this.suggested(suggestion?.by === me.id ? suggestion : null);
    byId("ib-suggest").disabled = conversation.status === "closed";
    this.#moded();
  }

  focus(mode) {
    if (mode) this.#form.elements.mode.value = mode;
    this.#moded();
    this.#field.focus();
  }

  /** ``suggestion`` or null: what the bot would say. */
  suggested(suggestion) {
    this.#suggestion = suggestion;
    this.#card.hidden = !suggestion;
    if (!suggestion) return;
    this.#card.dataset.status = suggestion.status;
    say(part(this.#card, "text"), suggestion.status === "ready" ? suggestion.text : this.#words.suggestions[suggestion.status]);
    const sure = suggestion.confidence === null ? "" : filled(this.#words.sure, { percent: Math.round(100 * suggestion.confidence) });
    const source = suggestion.status === "ready" ? (this.#words.sources[suggestion.source] ?? "") : "";
    say(part(this.#card, "source"), [source, sure].filter(Boolean).join(" · "));
    for (const name of ["insert", "send"]) part(this.#card, name).hidden = suggestion.status !== "ready" || (name === "send" && !this.#mayReply);
  }

  accepted({ client_message_id: id }) {
    if (id === this.#sending?.id) this.#done();
  }

  noted() {
    if (this.#sending?.mode === "note") this.#done();
  }

  /** Whether the refusal was for what is being sent. */
  refused({ request, message }) {
    if (!["message.send", "note.add", "reply.suggest"].includes(request)) return false;
    this.#unlock();
    this.#say(message);
    return true;
  }

  /** The line is gone: what was being sent can be sent again, and never counts twice. */
  lost() {
    if (this.#sending) this.#say(this.#words.unsent);
    this.#unlock();
  }

  get #mode() {
    return this.#form.elements.mode.value;
  }

  #moded() {
    const isNote = this.#mode === "note";
    this.#form.dataset.mode = this.#mode;
    const isOff = !isNote && !this.#mayReply;
    this.#field.disabled = isOff;
    byId("ib-send").disabled = isOff;
    this.#field.placeholder = isNote ? this.#words.note_here : isOff ? this.#words.take_first : this.#words.reply_here;
    say(byId("ib-send"), isNote ? this.#words.add_note : this.#words.send);
    this.#keep();
    if (isNote) this.#canned.close();
  }

  #written() {
    this.#say("");
    this.#keep();
    if (this.#mode !== "reply") return;
    this.#canned.look(this.#field.value);
    if (this.#field.value && !this.#canned.isOpen && Date.now() - this.#typed > TYPING_MS) {
      if (this.#callbacks.send({ type: "agent.typing", id: this.#conversation })) this.#typed = Date.now();
    }
  }

  #key(event) {
    if (this.#canned.key(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") this.#field.blur();
  }

  #submit() {
    const text = this.#field.value.trim();
    if (!text || this.#field.disabled || this.#sending?.isWaiting) return;
    if (this.#mode === "note") this.#begin({ mode: "note", text }, { type: "note.add", text });
    else this.#begin({ mode: "reply", text }, { type: "message.send", text, ...this.#used(text) });
  }

  #begin(sending, frame) {
    // The same text again is the same message, if it got through after all.
    const isAgain = this.#sending?.text === sending.text && this.#sending.conversation === this.#conversation;
    const id = isAgain ? this.#sending.id : uuid();
    this.#sending = { ...sending, id, conversation: this.#conversation, isWaiting: true };
    if (frame.type === "message.send") frame.client_message_id = id;
    if (!this.#send(frame)) return this.lost();
    this.#form.setAttribute("aria-busy", "true");
    this.#sending.timer = setTimeout(() => this.lost(), ANSWER_MS);
  }

  #used(text) {
    const { canned, suggestion, from } = this.#basis;
    if (canned) return { canned };
    if (suggestion) return { suggestion, use: text === from.trim() ? "sent" : "edited" };
    return this.#suggestion?.status === "ready" ? { suggestion: this.#suggestion.id, use: "ignored" } : {};
  }

  #done() {
    const isSuggested = this.#sending.mode === "reply";
    clearTimeout(this.#sending.timer);
    this.#sending = null;
    this.#form.removeAttribute("aria-busy");
    this.#field.value = "";
    this.#basis = {};
    this.#say("");
    this.#keep();
    if (isSuggested) this.suggested(null);
  }

  #unlock() {
    clearTimeout(this.#sending?.timer);
    if (this.#sending) this.#sending.isWaiting = false;
    this.#form.removeAttribute("aria-busy");
  }

  #put(text, basis) {
    this.#basis = basis;
    this.#field.value = text;
    this.#keep();
    this.#field.focus();
  }

  #insert() {
    this.#form.elements.mode.value = "reply";
    this.#moded();
    this.#put(this.#suggestion.text, { suggestion: this.#suggestion.id, from: this.#suggestion.text });
  }

  #sendSuggestion() {
    this.#insert();
    this.#submit();
  }

  #ignore() {
    this.#send({ type: "suggestion.ignore", suggestion: this.#suggestion.id });
    this.#basis = {};
    this.suggested(null);
  }

  #send(frame) {
    return this.#callbacks.send({ ...frame, id: this.#conversation });
  }

  #say(text) {
    this.#problem.hidden = !text;
    say(this.#problem, text);
  }

  #keep() {
    if (!this.#conversation) return;
    if (this.#field.value) this.#drafts[this.#conversation] = { text: this.#field.value, mode: this.#mode };
    else delete this.#drafts[this.#conversation];
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.#drafts));
    } catch {
      // Full or forbidden: what is written still stands in the page.
    }
  }
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

// Pages that are not served over HTTPS have no ``crypto.randomUUID``.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
