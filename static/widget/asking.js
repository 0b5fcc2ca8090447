/* Requests over the socket that somebody waits for: an event answers them, or an error, or nobody. */
const PATIENCE_MS = 12000;

export class Asking {
  #send;
  #open = new Map();

  /** ``send(frame)``: false when there is no connection. */
  constructor(send) {
    this.#send = send;
  }

  /** Resolves to null when the server took it, else to ``{code, message, seconds}``. ``answers(event)``
      knows the event that says so; a lost line may still bring it. */
  ask(frame, answers) {
    if (!this.#send(frame)) return Promise.resolve({ code: "unconnected" });
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end(frame.type, { code: "unavailable" }), PATIENCE_MS);
      this.#open.set(frame.type, { answers, resolve, timer });
    });
  }

  /** Whether ``event`` is the refusal of something that is waited for here. */
  hear(event) {
    for (const [type, { answers }] of this.#open) if (answers(event)) this.#end(type, null);
    if (event.type !== "error" || !this.#open.has(event.request)) return false;
    const { code, message, retry_after: seconds } = event;
    this.#end(event.request, { code, message, seconds });
    return true;
  }

  #end(type, refusal) {
    const { resolve, timer } = this.#open.get(type);
    clearTimeout(timer);
    this.#open.delete(type);
    resolve(refusal);
  }
}
