/* The course of a chat: becomes a visitor with the first message and not before, sends, follows,
   resumes. Knows no DOM; tells what happened through callbacks. */
import { Api, ApiError } from "./api.js";
import { Asking } from "./asking.js";
import { Connection } from "./connection.js";
import { Store, isDiscarded } from "./store.js";
import { uuid } from "./uuid.js";

const ACCEPT_MS = 12000;
const WATCH_MS = 5000;
const SILENCE_MS = 20000;
const GIVE_UP_MS = 150000;
const TYPING_MS = 3000;
const PUTS = new Set(["message.created", "message.generating", "message.sent", "message.failed", "message.cancelled"]);

export class Chat {
  #bot;
  #identity;
  #callbacks;
  #store = new Store();
  #api;
  #connection;
  #asking;
  #beginning = null;
  #conversation = null;
  #resumed = 0;
  #restored = false;
  #typed = 0;

  /** ``callbacks``: changed(), connection(state), arrived(message), problem(code, seconds), typing(),
      away(); and of a new conversation locale() and page(), an address or "". */
  constructor(bot, identity, callbacks) {
    this.#bot = bot;
    this.#identity = identity;
    this.#callbacks = callbacks;
    this.#api = new Api(() => identity.token);
    this.#connection = new Connection({
      ticket: () => this.#api.ticket(identity.conversation),
      received: (event) => this.#received(event),
      changed: (state, reason) => this.#connected(state, reason),
    });
    this.#asking = new Asking((frame) => this.#connection.send(frame));
    setInterval(() => this.#watch(), WATCH_MS);
  }

  get store() { return this.#store; }
  get conversation() { return this.#conversation?.id; }
  get status() { return this.#conversation?.status ?? "open"; }
  get locale() { return this.#conversation?.locale; }
  get agent() { return this.#conversation?.agent ?? null; }
  get position() { return this.#conversation?.position ?? null; }
  get rating() { return this.#conversation?.rating ?? null; }
  get attended() { return this.#conversation?.is_open_hours ?? true; }
  get restored() { return this.#restored || !this.#identity.conversation; }
  get connection() { return this.#connection.state; }
  get running() { return this.#store.running; }

  /** Take up what this device knows: an open conversation, messages that were never accepted. */
  resume() {
    if (this.#identity.conversation) this.#connection.open();
    const waiting = this.#identity.tab.outbox ?? [];
    for (const message of waiting) this.#store.queue({ ...message, status: "queued" });
    if (waiting.length) this.#open();
    this.#callbacks.changed();
  }

  /** Another tab began, changed or forgot the conversation. */
  follow() {
    if (this.#identity.conversation === this.#conversation?.id) return;
    this.#leave();
    if (this.#identity.conversation) this.#connection.open();
  }

  send(text) {
    const id = uuid();
    this.#store.queue({
      client_message_id: id, role: "customer", text, status: "queued", created_at: new Date().toISOString(),
    });
    this.#keepOutbox();
    this.sendAgain(id);
  }

  /** The same message under the same id: it can only be stored once. */
  sendAgain(id) {
    this.#deliver(this.#store.outbox.find((message) => message.client_message_id === id));
    this.#open();
    this.#callbacks.changed();
  }

  stop() {
    for (const message of this.running) this.#request(() => this.#api.cancel(message.id), (answer) => this.#store.put(answer));
  }

  retry(message) {
    this.#request(() => this.#api.retry(message.id), (answer) => this.#store.requeue(answer));
  }

  /** Whether the server took it. */
  rate(message, feedback) {
    return this.#request(() => this.#api.feedback(message.id, feedback), (answer) => this.#store.rate(message.id, answer.feedback));
  }

  async person() {
    await this.#open();
    if (!this.#identity.conversation) return;
    await this.#request(() => this.#api.requestPerson(this.#identity.conversation), (answer) => { this.#conversation = answer; });
    if (!this.attended && this.status !== "taken") this.#callbacks.away();
  }

  /** The customer writes: a person who answers is told now and then. */
  typing() {
    if (this.status !== "taken" || Date.now() - this.#typed < TYPING_MS) return;
    if (this.#connection.send({ type: "customer.typing" })) this.#typed = Date.now();
  }

  /** The site tells what the visitor did. Who has not written is unknown, and stays so. */
  async event({ id = uuid(), name, value }) {
    if (this.#identity.token) await this.#api.event({ id, name, value });
  }

  /** Null when it is stored, else why not. */
  leaveMessage(fields) {
    const before = this.#store.last;
    const isKept = ({ role, code, seq }) => role === "notice" && code === "left_message" && seq > before;
    return this.#asking.ask({ type: "conversation.leave_message", ...fields },
      ({ message, messages = [] }) => [message, ...messages].some((each) => each?.role && isKept(each)));
  }

  async rateConversation(rating, comment) {
    const refusal = await this.#asking.ask({ type: "conversation.rate", rating, comment }, ({ conversation }) => conversation?.rating === rating);
    if (refusal) this.#callbacks.problem(refusal.code, refusal.seconds);
    return !refusal;
  }

  /** The next message begins a new conversation; the old one stays on the server. */
  fresh() {
    this.#leave();
    this.#identity.keep({ conversation: undefined, read: 0 });
    this.#keepOutbox();
  }

  forget() {
    this.#leave();
    this.#identity.forget();
  }

  retryNow() {
    this.#connection.retryNow();
  }

  #leave() {
    this.#connection.close();
    this.#store.clear();
    this.#conversation = null;
    this.#restored = false;
    this.#callbacks.changed();
  }

  // Several callers may want a conversation at once; there is one beginning.
  async #open() {
    if (!this.#identity.conversation) {
      this.#beginning ??= this.#begin().finally(() => { this.#beginning = null; });
      try {
        await this.#beginning;
      } catch (error) {
        this.#fail();
        this.#problem(error);
        return;
      }
    }
    this.#connection.open();
    this.#connection.retryNow();
  }

  async #begin() {
    if (!this.#identity.token) this.#identity.keep({ token: (await this.#api.createVisitor(this.#bot)).token });
    const conversation = await this.#api.createConversation(this.#callbacks.locale(), this.#callbacks.page());
    this.#conversation = conversation;
    this.#identity.keep({ conversation: conversation.id, read: 0 });
  }

  #deliver(message) {
    const { client_message_id: id, text } = message;
    const sent = this.#connection.send({ type: "message.send", client_message_id: id, text });
    this.#store.mark(id, this.#connection.state === "lost" ? "queued" : "sending");
    if (!sent) return;
    setTimeout(() => {
      const still = this.#store.outbox.find((each) => each.client_message_id === id);
      if (still?.status !== "sending" || this.#connection.state !== "ready") return;
      this.#store.mark(id, "failed");
      this.#callbacks.changed();
    }, ACCEPT_MS);
  }

  #connected(state, reason) {
    if (state === "ready") this.#resume();
    if (state === "lost") {
      for (const { client_message_id: id, status } of this.#store.outbox) if (status === "sending") this.#store.mark(id, "queued");
    }
    if (state === "refused" && reason !== "protocol") this.#gone(reason);
    else if (state === "refused") this.#fail();
    this.#callbacks.connection(state);
    this.#callbacks.changed();
  }

  #fail() {
    for (const message of this.#store.outbox) this.#store.mark(message.client_message_id, "failed");
  }

  // The server no longer knows this visitor or this conversation: begin anew, keep what is unsent.
  #gone(reason) {
    const unsent = this.#store.outbox;
    if (reason === "unauthenticated") this.#identity.keep({ token: undefined });
    this.#identity.keep({ conversation: undefined, read: 0 });
    this.#leave();
    this.#callbacks.problem("gone");
    for (const message of unsent) this.#store.queue({ ...message, status: "failed" });
  }

  #resume() {
    this.#resumed = Date.now();
    this.#connection.send({ type: "conversation.resume", after: this.#store.settledThrough });
  }

  #received(event) {
    let complete = true;
    const news = this.#isNews(event);
    if (PUTS.has(event.type)) complete = this.#store.put(event.message);
    else if (event.type === "message.requeued") complete = this.#store.requeue(event.message);
    else if (event.type === "message.delta") complete = this.#store.append(event);
    else if (event.type === "message.accepted") this.#store.accept(event);
    else if (event.type === "conversation.state") this.#restore(event);
    else if (event.type === "feedback.recorded") this.#store.rate(event.message_id, event.feedback);
    if (event.conversation) this.#conversation = event.conversation;
    if (event.type === "agent.typing") this.#callbacks.typing();
    if (!this.#asking.hear(event) && event.type === "error") this.#refused(event);
    if (!complete && Date.now() - this.#resumed > 1000) this.#resume();
    this.#keepOutbox();
    this.#callbacks.changed();
    if (news) this.#callbacks.arrived(event.message);
  }

  // A message of somebody else came, or a reply began or came to its end, just now.
  #isNews({ type, message }) {
    if (!PUTS.has(type) || message.role === "customer" || isDiscarded(message)) return false;
    const known = this.#store.messages.find((each) => each.id === message.id);
    return known?.status !== message.status && type !== "message.generating";
  }

  // The first time it is history; after a loss it is news.
  #restore({ messages }) {
    const known = new Map(this.#store.messages.map((message) => [message.id, message.status]));
    const news = messages.filter((each) => this.#restored && each.role !== "customer" && !isDiscarded(each) && known.get(each.id) !== each.status);
    this.#store.restore(messages);
    this.#restored = true;
    for (const message of this.#store.outbox) if (message.status !== "failed") this.#deliver(message);
    for (const message of news) this.#callbacks.arrived(message);
  }

  #refused({ code, request, client_message_id: id, retry_after: seconds }) {
    if (request === "message.send" && id) this.#store.mark(id, "failed");
    if (request !== "ping" && request !== "customer.typing") this.#callbacks.problem(code, seconds);
  }

  // A reply that nobody speaks of any more must not look busy for ever.
  #watch() {
    const now = Date.now();
    for (const message of this.running) {
      const silence = now - this.#store.heardOf(message);
      if (silence > GIVE_UP_MS) {
        this.#store.giveUp(message);
        this.#callbacks.changed();
      } else if (silence > SILENCE_MS && now - this.#resumed > SILENCE_MS) this.#resume();
    }
  }

  async #request(ask, answered) {
    try {
      answered(await ask());
    } catch (error) {
      this.#problem(error);
      return false;
    }
    this.#callbacks.changed();
    return true;
  }

  #problem(error) {
    if (!(error instanceof ApiError)) throw error;
    this.#callbacks.problem(error.code, error.retryAfter);
    this.#callbacks.changed();
  }

  #keepOutbox() {
    this.#identity.keepInTab({ outbox: this.#store.outbox });
  }
}
