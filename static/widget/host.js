/* The page around the panel. It speaks first; from then on only its origin is spoken to. */
const PROTOCOL = 1;

export class Host {
  #origin = null;
  #handlers;

  /** ``handlers``: functions by message type, called with the message. */
  constructor(handlers) {
    this.#handlers = handlers;
    addEventListener("message", (event) => this.#receive(event));
  }

  get framed() {
    return window.parent !== window;
  }

  post(type, fields = {}) {
    if (this.#origin) window.parent.postMessage({ csbot: PROTOCOL, type, ...fields }, this.#origin);
  }

  // Only a page of the bot's allowed sites can be the parent: the browser refuses to show the
  // panel in any other (frame-ancestors).
  #receive({ source, origin, data }) {
    if (!this.framed || source !== window.parent || data?.csbot !== PROTOCOL) return;
    if (data.type === "hello") this.#origin ??= origin;
    if (origin !== this.#origin) return;
    if (Object.hasOwn(this.#handlers, data.type)) this.#handlers[data.type](data);
  }
}
