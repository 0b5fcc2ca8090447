/* The REST half of the protocol. */
const ROOT = "/api/v1/";
const PATIENCE_MS = 15000;

export class ApiError extends Error {
  constructor(code, { status = 0, retryAfter = 0 } = {}) {
    super(code);
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export class Api {
  #token;

  /** ``token`` is a function: it may change while the panel is open. */
  constructor(token) {
    this.#token = token;
  }

  createVisitor(bot) { return this.#post(`bots/${bot}/visitors`); }
  createConversation(locale, page) { return this.#post("conversations", { locale, page }); }
  ticket(conversation) { return this.#post(`conversations/${conversation}/ticket`); }
  requestPerson(conversation) { return this.#post(`conversations/${conversation}/person`); }
  feedback(message, feedback) { return this.#post(`messages/${message}/feedback`, feedback); }
  cancel(message) { return this.#post(`messages/${message}/cancel`); }
  retry(message) { return this.#post(`messages/${message}/retry`); }

  /** Arrives also when the page is left meanwhile. */
  event(fields) { return this.#post("events", fields, { keepalive: true }); }

  async #post(path, body = {}, options = {}) {
    const headers = { "Content-Type": "application/json" };
    if (this.#token()) headers.Authorization = `Visitor ${this.#token()}`;
    let response;
    try {
      response = await fetch(ROOT + path, {
        method: "POST", headers, body: JSON.stringify(body), credentials: "omit", ...options,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
    } catch {
      throw new ApiError("unavailable");
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    throw new ApiError(answer.code ?? "unavailable", {
      status: response.status, retryAfter: Number(response.headers.get("Retry-After")) || 0,
    });
  }
}
