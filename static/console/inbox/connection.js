/* The inbox's line to the server. It comes back by itself, and says when it is there. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30000;
const PING_MS = 20000;
const ANSWER_MS = 8000;
const HOPELESS = new Set([4403, 4404]);

export class Connection {
  #url;
  #callbacks;
  #socket = null;
  #losses = 0;
  #watch = 0;

  /** ``callbacks``: heard(frame), opened(), lost(), refused(). */
  constructor(path, callbacks) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#url = `${scheme}//${location.host}${path}`;
    this.#callbacks = callbacks;
    window.addEventListener("online", () => this.#socket?.readyState === WebSocket.OPEN || this.#comeBack(0));
  }

  open() {
    this.#socket = new WebSocket(this.#url);
    this.#socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.#socket.onclose = ({ code }) => (HOPELESS.has(code) ? this.#giveUp() : this.#comeBack());
    this.#expect(ANSWER_MS);
  }

  /** Whether it was sent: nothing is kept for later. */
  send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #hear(frame) {
    if (frame.type === "ready") this.#losses = 0;
    this.#listen();
    this.#callbacks.heard(frame);
  }

  // Silence for a while: ask. Silence after that: the line is dead.
  #listen() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.send({ type: "ping" });
      this.#expect(ANSWER_MS);
    }, PING_MS);
  }

  #expect(milliseconds) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#comeBack(), milliseconds);
  }

  #comeBack(wait) {
    this.#drop();
    this.#callbacks.lost();
    const longest = wait ?? Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#losses++);
    this.#watch = setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
  }

  #giveUp() {
    this.#drop();
    this.#callbacks.refused();
  }

  #drop() {
    clearTimeout(this.#watch);
    if (this.#socket) {
      this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close();
    }
  }
}
