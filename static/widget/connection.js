/* One websocket at a time: ticket, authentication, resuming, and coming back after a loss. */
const PROTOCOL = 1;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30000;
const CROWDED_WAIT_MS = 60000;
const PING_MS = 25000;
const PONG_MS = 8000;
const OPEN_MS = 10000;
const HOPELESS = new Set([4400, 4403]);
const CROWDED = 4429;

export class Connection {
  #ticket;
  #received;
  #changed;
  #socket = null;
  #state = "closed";
  #losses = 0;
  #retry = 0;
  #watch = 0;
  #round = 0;

  /** ``ticket``: async, raises ApiError. ``received(event)`` gets every frame after authentication.
      ``changed(state)``: closed, connecting, ready, lost, or refused. */
  constructor({ ticket, received, changed }) {
    this.#ticket = ticket;
    this.#received = received;
    this.#changed = changed;
    addEventListener("offline", () => this.#state === "closed" || this.#lose());
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  get state() {
    return this.#state;
  }

  open() {
    if (this.#state === "closed") this.#connect();
  }

  close() {
    this.#drop();
    this.#losses = 0;
    this.#set("closed");
  }

  retryNow() {
    if (this.#state === "lost") this.#connect();
  }

  /** False when there is no connection: the caller keeps what it wanted to send. */
  send(frame) {
    if (this.#state !== "ready") return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  async #connect() {
    this.#drop();
    this.#set("connecting");
    const round = this.#round;
    let ticket;
    try {
      ({ ticket } = await this.#ticket());
    } catch (error) {
      if (round !== this.#round) return;
      if ([401, 404].includes(error.status)) this.#set("refused", error.code);
      else this.#lose(error.retryAfter * 1000);
      return;
    }
    if (round === this.#round) this.#dial(ticket);
  }

  #dial(ticket) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/v1/chat`);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "authenticate", protocol: PROTOCOL, ticket }));
    socket.onmessage = ({ data }) => this.#heard(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (HOPELESS.has(code)) {
        this.#drop();
        this.#set("refused", "protocol");
      } else this.#lose(code === CROWDED ? CROWDED_WAIT_MS : 0);
    };
    this.#expect(OPEN_MS);
  }

  #heard(event) {
    if (event.type === "ready") {
      this.#losses = 0;
      this.#set("ready");
    }
    this.#listen();
    if (event.type !== "pong") this.#received(event);
  }

  // Silence for a while: ask. Silence after that: the line is dead, whatever the browser believes.
  #listen() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.#socket.send(JSON.stringify({ type: "ping" }));
      this.#expect(PONG_MS);
    }, PING_MS);
  }

  #expect(milliseconds) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#lose(), milliseconds);
  }

  #lose(atLeast = 0) {
    this.#drop();
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#losses++);
    this.#retry = setTimeout(() => this.#connect(), atLeast + longest * (0.5 + Math.random() / 2));
    this.#set("lost");
  }

  #drop() {
    this.#round++;
    clearTimeout(this.#retry);
    clearTimeout(this.#watch);
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #set(state, reason) {
    if (state === this.#state) return;
    this.#state = state;
    this.#changed(state, reason);
  }
}
