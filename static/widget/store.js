/* The messages of one conversation as this browser knows them, and the rules by which events
   change them. Messages are never modified, only replaced: who shows them compares identity. */
const SETTLED = new Set(["sent", "failed", "cancelled"]);

/** Whether an agent took over or ended it while the bot was answering: nothing of that answer is kept. */
export function isDiscarded({ status, code }) {
  return status === "cancelled" && Boolean(code);
}

export class Store {
  #messages = new Map();
  #outbox = new Map();
  #attempts = new Map();
  #news = new Map();

  get messages() {
    return [...this.#messages.values()].sort((a, b) => a.seq - b.seq);
  }

  get outbox() {
    return [...this.#outbox.values()];
  }

  get last() {
    return Math.max(0, ...this.#messages.keys());
  }

  /** Highest seq up to which everything is here and settled: where resuming begins. */
  get settledThrough() {
    let seq = 0;
    const settled = (message) => SETTLED.has(message?.status) && !message.given_up;
    while (settled(this.#messages.get(seq + 1))) seq++;
    return seq;
  }

  /** Replies that are waited for. */
  get running() {
    return this.messages.filter((message) => !SETTLED.has(message.status));
  }

  clear() {
    for (const map of [this.#messages, this.#outbox, this.#attempts, this.#news]) map.clear();
  }

  /** When something was last heard of a message. */
  heardOf(message) {
    return this.#news.get(message.id) ?? 0;
  }

  queue(message) {
    this.#outbox.set(message.client_message_id, message);
  }

  mark(clientMessageId, status) {
    const message = this.#outbox.get(clientMessageId);
    if (message) this.#outbox.set(clientMessageId, { ...message, status });
  }

  /** The customer's message is stored; what the server makes of it may come before or after. */
  accept({ client_message_id, message_id, seq }) {
    const message = this.#outbox.get(client_message_id);
    if (!message) return;
    this.#outbox.delete(client_message_id);
    if (!this.#messages.has(seq)) this.#messages.set(seq, { ...message, id: message_id, seq, status: "sent" });
  }

  /** Everything after ``after``, as it is now. */
  restore(messages) {
    for (const message of messages) this.put(message, { fresh: false });
  }

  /** Returns false when messages between the known ones and this one are missing. */
  put(message, { fresh = true } = {}) {
    const known = this.#messages.get(message.seq);
    const gap = fresh && !known && message.seq > this.last + 1;
    if (fresh || known?.status !== message.status) this.#news.set(message.id, Date.now());
    this.#messages.set(message.seq, { ...message, text: this.#longer(known, message) });
    if (message.client_message_id) this.#outbox.delete(message.client_message_id);
    return !gap;
  }

  requeue(message) {
    return this.put({ ...message, text: "" });
  }

  /** Returns false when text is missing: the caller resumes. */
  append({ seq, message_id, attempt, offset, text }) {
    const message = this.#messages.get(seq);
    if (!message) return false;
    const seen = this.#attempts.get(message_id) ?? 0;
    if (SETTLED.has(message.status) || attempt < seen) return true;
    const before = attempt > seen && seen ? "" : message.text;
    if (offset > before.length) return false;
    this.#attempts.set(message_id, attempt);
    this.#news.set(message_id, Date.now());
    const whole = before.slice(0, offset) + text;
    if (attempt === seen && before.startsWith(whole)) return true;
    this.#messages.set(seq, { ...message, status: "generating", text: whole });
    return true;
  }

  rate(messageId, feedback) {
    for (const [seq, message] of this.#messages) {
      if (message.id === messageId) this.#messages.set(seq, { ...message, feedback });
    }
  }

  /** Nothing was heard for too long: shown as failed until the server says otherwise. */
  giveUp(message) {
    this.#messages.set(message.seq, { ...message, status: "failed", code: "overdue", text: "", given_up: true });
  }

  // Rows of running or stopped replies lag behind what was already shown.
  #longer(known, message) {
    const lags = message.status === "generating" || (message.status === "cancelled" && !isDiscarded(message));
    const shown = known?.id === message.id ? known.text : "";
    return lags && shown.startsWith(message.text) ? shown : message.text;
  }
}
