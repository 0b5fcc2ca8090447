/* What this browser keeps: who the visitor is for one bot, and which conversation is open.
   Storage may be forbidden; then it lasts as long as the panel. */
export class Identity {
  #key;
  #values;

  /** ``changed`` is called when another tab has written. */
  constructor(bot, changed) {
    this.#key = `csbot:${bot}`;
    this.#values = this.#read(device, this.#key);
    addEventListener("storage", (event) => {
      if (event.key !== this.#key) return;
      this.#values = this.#read(device, this.#key);
      changed();
    });
  }

  get token() { return this.#values.token; }
  get conversation() { return this.#values.conversation; }
  get read() { return this.#values.read ?? 0; }
  get locale() { return this.#values.locale; }

  keep(values) {
    this.#values = { ...this.#values, ...values };
    this.#write(device, this.#key, this.#values);
  }

  forget() {
    this.#values = {};
    this.#remove(device, this.#key);
    this.#remove(page, this.#key);
  }

  /** What belongs to this tab alone: the draft and messages that are not accepted yet. */
  get tab() { return this.#read(page, this.#key); }
  keepInTab(values) { this.#write(page, this.#key, { ...this.tab, ...values }); }

  #read(storage, key) {
    try {
      return JSON.parse(storage().getItem(key)) ?? {};
    } catch {
      return {};
    }
  }

  #write(storage, key, values) {
    try {
      storage().setItem(key, JSON.stringify(values));
    } catch { /* not allowed, or full */ }
  }

  #remove(storage, key) {
    try {
      storage().removeItem(key);
    } catch { /* not allowed */ }
  }
}

// Even naming the storage raises where it is forbidden.
const device = () => window.localStorage;
const page = () => window.sessionStorage;
