/* Nobody is there: a form to leave a message. What is written stays in this tab until it is sent. */
const FIELDS = ["name", "contact", "text"];
const REQUIRED = { contact: "away_contact_missing", text: "away_text_missing" };

export class Away {
  #section = document.getElementById("away");
  #form = this.#section.querySelector("form");
  #thanks = this.#section.querySelector(".thanks");
  #failure = this.#form.querySelector(".failure");
  #i18n;
  #callbacks;
  #busy = false;
  #failed = null;
  #wrong = new Map();

  /** ``callbacks``: send({name, contact, text}) -> null or ``{code, message}``, draft(fields),
      announce(text), closed(). */
  constructor(i18n, draft, callbacks) {
    this.#i18n = i18n;
    this.#callbacks = callbacks;
    for (const name of FIELDS) this.#field(name).value = draft[name] ?? "";
    this.#form.addEventListener("input", ({ target }) => {
      this.#callbacks.draft(this.#values);
      if (this.#wrong.delete(target.name)) this.speak();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#section.addEventListener("click", ({ target }) => target.closest("[data-do=back]") && this.close());
    this.#section.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape" && !event.isComposing) this.close();
    });
  }

  get open() {
    return !this.#section.hidden;
  }

  /** ``text``: what the customer was about to say. */
  show(text) {
    if (this.open) return;
    if (!this.#field("text").value) this.#field("text").value = text;
    this.#form.hidden = false;
    this.#thanks.hidden = true;
    this.#section.hidden = false;
    this.#section.scrollTop = 0;
    this.#form.querySelector("h2").focus();
  }

  close() {
    if (!this.open) return;
    this.#section.hidden = true;
    this.#callbacks.closed();
  }

  forget() {
    this.#form.reset();
    this.#wrong.clear();
    this.#failed = null;
    this.#section.hidden = true;
    this.speak();
  }

  /** Errors in the language of the panel. */
  speak() {
    for (const name of FIELDS) {
      const key = this.#wrong.get(name);
      const line = document.getElementById(`away-${name}-wrong`);
      line.hidden = !key;
      line.textContent = key ? this.#i18n.text(key) : "";
      this.#field(name).setAttribute("aria-invalid", Boolean(key));
    }
    this.#failure.hidden = !this.#failed;
    this.#failure.textContent = this.#failed ? this.#why(this.#failed) : "";
  }

  async #submit() {
    if (this.#busy) return;
    const values = this.#values;
    this.#failed = null;
    this.#wrong = new Map(Object.entries(REQUIRED).filter(([name]) => !values[name].trim()));
    this.speak();
    if (this.#wrong.size) {
      const [first] = this.#wrong.keys();
      this.#field(first).focus();
      return;
    }
    this.#wait(true);
    this.#failed = await this.#callbacks.send({
      name: values.name.trim(), contact: values.contact.trim(), text: values.text.trim(),
    });
    this.#wait(false);
    this.speak();
    if (this.#failed) this.#form.querySelector("[type=submit]").focus();
    else this.#thank();
  }

  #thank() {
    this.#field("text").value = "";
    this.#callbacks.draft(this.#values);
    this.#form.hidden = true;
    this.#thanks.hidden = false;
    this.#section.scrollTop = 0;
    if (this.open) this.#thanks.querySelector("h2").focus();
    this.#callbacks.announce(this.#i18n.text("away_thanks_about"));
  }

  #wait(busy) {
    this.#busy = busy;
    this.#form.querySelector("[type=submit]").setAttribute("aria-disabled", busy);
    this.#form.querySelector("[type=submit]").textContent = this.#i18n.text(busy ? "sending" : "away_send");
  }

  #why({ code, message }) {
    if (code === "invalid" && message) return message;
    const key = this.#i18n.has(`away_error.${code}`) ? `away_error.${code}` : "away_error.unavailable";
    return this.#i18n.text(key);
  }

  #field(name) {
    return this.#form.elements[name];
  }

  get #values() {
    return Object.fromEntries(FIELDS.map((name) => [name, this.#field(name).value]));
  }
}
