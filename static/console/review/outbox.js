/* Decisions on their way: kept in the tab until the server has taken them, sent in order, and sent again
   under the same name when the line was down, so that none is lost and none is taken twice. */
const KEY = "csbot.review.outbox";
const AGAIN_MS = [1000, 2000, 5000, 10000];
const CLOSED = new Set([401, 403]);

export class Outbox {
  #urls;
  #token;
  #callbacks;
  #entries = kept(KEY) ?? [];
  #isSending = false;
  #failures = 0;
  #timer = 0;
  #waiters = [];

  /** ``callbacks``: taken(entry, answer), refused(entry, problem), line("", "lost" or "closed", count). */
  constructor(urls, token, callbacks) {
    this.#urls = urls;
    this.#token = token;
    this.#callbacks = callbacks;
    window.addEventListener("online", () => this.#again());
    this.#send();
  }

  get ids() {
    return this.#entries.map((entry) => entry.item.id);
  }

  add(entry) {
    this.#entries.push({ ...entry, fields: { ...entry.fields, batch: uuid() } });
    this.#keep();
    if (!this.#timer) this.#send();
  }

  /** The newest decision if it has not left yet; it is as if it had not been taken. */
  takeBack() {
    if (this.#entries.length <= (this.#isSending ? 1 : 0)) return null;
    const entry = this.#entries.pop();
    this.#keep();
    return entry;
  }

  /** When everything is there. */
  async empty() {
    if (this.#entries.length) await new Promise((resolve) => this.#waiters.push(resolve));
  }

  async post(url, fields) {
    const response = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": this.#token },
      body: JSON.stringify(fields),
      redirect: "error",
    });
    if (CLOSED.has(response.status)) throw new Closed();
    if (response.status >= 500 || response.status === 429) throw new Error(String(response.status));
    return response.json();
  }

  async #send() {
    if (this.#isSending || !this.#entries.length) return;
    this.#isSending = true;
    const entry = this.#entries[0];
    try {
      const answer = await this.post(this.#urls.decide.replace(/0{8}-(0{4}-){3}0{12}/, entry.item.id), entry.fields);
      this.#isSending = false;
      this.#failures = 0;
      this.#entries.shift();
      this.#keep();
      this.#callbacks.line("", this.#entries.length);
      if (answer.problem) this.#callbacks.refused(entry, answer.problem);
      else this.#callbacks.taken(entry, answer);
      if (this.#entries.length) this.#send();
      else this.#waiters.splice(0).forEach((resolve) => resolve());
    } catch (error) {
      this.#isSending = false;
      this.#callbacks.line(error instanceof Closed ? "closed" : "lost", this.#entries.length);
      const wait = AGAIN_MS[Math.min(this.#failures, AGAIN_MS.length - 1)];
      this.#failures += 1;
      this.#timer = setTimeout(() => this.#again(), wait);
    }
  }

  #again() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#send();
  }

  #keep() {
    keep(KEY, this.#entries.length ? this.#entries : null);
  }
}

export class Closed extends Error {}

/** What was kept in this tab; null when there is nothing. */
export function kept(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Full or forbidden: it still stands in the page.
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
