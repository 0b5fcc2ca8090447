/* The language of the panel: looks sentences up and puts them into marked elements. */
import en from "./en.js";
import zhHans from "./zh-hans.js";

const CATALOGUES = { en, "zh-hans": zhHans };

export class I18n {
  #locale;

  constructor(locale) {
    this.locale = locale;
  }

  get locale() {
    return this.#locale;
  }

  set locale(locale) {
    this.#locale = locale in CATALOGUES ? locale : "en";
  }

  get other() {
    return this.#locale === "en" ? "zh-hans" : "en";
  }

  has(key) {
    return key in CATALOGUES[this.#locale];
  }

  /** The sentence with its ``{names}`` filled in; a value alone is ``{count}``. */
  text(key, values) {
    const named = values !== null && typeof values === "object" ? values : { count: values };
    return (CATALOGUES[this.#locale][key] ?? "").replace(/\{(\w+)\}/g, (whole, name) => named[name] ?? whole);
  }

  time(date) {
    const today = date.toDateString() === new Date().toDateString();
    const day = today ? {} : { month: "short", day: "numeric" };
    return new Intl.DateTimeFormat(this.#locale, { ...day, hour: "numeric", minute: "2-digit" }).format(date);
  }

  /** Day and time, for reading later. */
  moment(date) {
    return new Intl.DateTimeFormat(this.#locale, { dateStyle: "medium", timeStyle: "short" }).format(date);
  }

  /** The text of a bot in this language, else in English, else in any. */
  pick(texts) {
    return texts[this.#locale] ?? texts.en ?? Object.values(texts)[0];
  }

  translate(root) {
    for (const element of root.querySelectorAll("[data-i18n]")) element.textContent = this.text(element.dataset.i18n);
    for (const element of root.querySelectorAll("[data-i18n-label]")) {
      element.setAttribute("aria-label", this.text(element.dataset.i18nLabel));
      if (element.matches("button")) element.title = this.text(element.dataset.i18nLabel);
    }
    for (const element of root.querySelectorAll("[data-i18n-placeholder]")) {
      element.placeholder = this.text(element.dataset.i18nPlaceholder);
    }
  }
}
