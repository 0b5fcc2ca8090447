/* The panel on the host's page: an iframe on csbot's own origin, its place, its size, and the
   messages exchanged with it. Loaded by loader.js when the panel is first needed. */
const PROTOCOL = 1;
const ANSWER_MS = 8000;
const PHONE = matchMedia("(max-width: 640px), (max-height: 440px)");
const DARK = matchMedia("(prefers-color-scheme: dark)");
const TEXTS = {
  en: { title: "Chat", failed: "The chat cannot be reached right now." },
  "zh-hans": { title: "聊天", failed: "暂时无法连接聊天服务。" },
};
const CSS = `
.panel { position: fixed; bottom: 96px; width: 400px; max-width: calc(100vw - 40px); height: 640px;
  max-height: min(90vh, calc(100vh - 116px)); border-radius: 18px; overflow: hidden;
  background: #fff; color: #15181e; font: 15px/1.5 system-ui, sans-serif;
  box-shadow: 0 18px 60px rgb(0 0 0 / .28), 0 0 0 1px rgb(0 0 0 / .08); animation: rise .18s ease-out; }
.panel.dark { background: #15171c; color: #eceef2; box-shadow: 0 18px 60px rgb(0 0 0 / .6), 0 0 0 1px #343943; }
.panel p { position: absolute; inset: 40% 24px auto; margin: 0; text-align: center; }
iframe { position: relative; display: block; width: 100%; height: 100%; border: 0; color-scheme: normal; }
.panel.full { inset: 0 0 auto; width: 100%; max-width: none; height: 100dvh; max-height: none; border-radius: 0;
  box-sizing: border-box; padding: env(safe-area-inset-top) env(safe-area-inset-right)
  env(safe-area-inset-bottom) env(safe-area-inset-left); }
@keyframes rise { from { opacity: 0; transform: translateY(12px); } }
@media (prefers-reduced-motion: reduce) { .panel { animation: none; } }`;

// Addresses may carry secrets behind a question mark or a hash.
const page = () => location.origin + location.pathname;

export class Frame {
  #options;
  #panel = document.createElement("div");
  #note = document.createElement("p");
  #iframe = document.createElement("iframe");
  #open = false;
  #answered = false;
  #told = [];
  #unlock = () => {};

  constructor(options) {
    this.#options = options;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    options.root.adoptedStyleSheets.push(sheet);
    this.#panel.className = "panel";
    this.#panel.id = "panel";
    this.#panel.role = "dialog";
    this.#panel.hidden = true;
    this.#panel.style[options.side] = "20px";
    this.#note.hidden = true;
    this.#iframe.allow = "clipboard-write";
    options.button.setAttribute("aria-controls", "panel");
    const query = new URLSearchParams({ locale: options.locale, theme: options.theme });
    this.#iframe.src = `${options.origin}/widget/${encodeURIComponent(options.bot)}/?${query}`;
    this.#iframe.addEventListener("load", () => this.#loaded());
    this.#panel.append(this.#note, this.#iframe);
    options.root.prepend(this.#panel);
    this.#label();
    addEventListener("message", (event) => this.#receive(event));
    for (const source of [PHONE, window.visualViewport]) {
      source?.addEventListener(source === PHONE ? "change" : "resize", () => this.#fit());
    }
    DARK.addEventListener("change", () => this.#label());
  }

  show(gesture) {
    this.#open = true;
    this.#panel.hidden = false;
    this.#fit();
    if (gesture) this.#iframe.focus();
    this.#post("shown", { phone: PHONE.matches, focus: gesture, page: page() });
  }

  hide() {
    this.#open = false;
    this.#panel.hidden = true;
    this.#fit();
    this.#post("hidden");
  }

  change(options) {
    Object.assign(this.#options, options);
    this.#label();
    this.#post("change", options);
  }

  /** What the visitor did on this page; it waits until the panel answers. */
  event({ id, name, value }) {
    const fields = { id, name, value };
    if (this.#answered) this.#post("event", fields);
    else this.#told.push(fields);
  }

  #label() {
    const { locale, theme } = this.#options;
    const texts = TEXTS[locale];
    this.#panel.ariaLabel = this.#iframe.title = texts.title;
    this.#note.textContent = texts.failed;
    this.#panel.classList.toggle("dark", theme === "dark" || (theme !== "light" && DARK.matches));
  }

  // A page that answers does so at once; one that the browser refused to frame never does.
  #loaded() {
    this.#post("hello", { color: this.#options.color, page: page() });
    if (this.#open) this.#post("shown", { phone: PHONE.matches, focus: this.#options.root.activeElement === this.#iframe, page: page() });
    setTimeout(() => {
      if (this.#answered) return;
      this.#iframe.hidden = true;
      this.#note.hidden = false;
      this.#options.emit("error", { code: "unreachable" });
    }, ANSWER_MS);
  }

  // On a phone the panel is the page: nothing behind it scrolls or takes the focus.
  #fit() {
    const full = this.#open && PHONE.matches;
    const view = window.visualViewport;
    this.#unlock();
    this.#unlock = () => {};
    this.#panel.classList.toggle("full", full);
    this.#panel.ariaModal = full;
    this.#panel.style.height = full && view ? `${view.height}px` : "";
    this.#panel.style.top = full && view ? `${view.offsetTop}px` : "";
    this.#options.button.hidden = full;
    if (!full) return;
    const page = document.documentElement.style;
    const overflow = page.overflow;
    const behind = [...document.body.children].filter((child) => child !== this.#options.host && !child.inert);
    page.overflow = "hidden";
    for (const child of behind) child.inert = true;
    this.#unlock = () => {
      page.overflow = overflow;
      for (const child of behind) child.inert = false;
    };
  }

  #post(type, fields = {}) {
    this.#iframe.contentWindow?.postMessage({ csbot: PROTOCOL, type, ...fields }, this.#options.origin);
  }

  #receive({ origin, source, data }) {
    if (origin !== this.#options.origin || source !== this.#iframe.contentWindow) return;
    if (data?.csbot !== PROTOCOL) return;
    const { emit, close } = this.#options;
    if (data.type === "ready") {
      if (!this.#answered) emit("ready");
      this.#answered = true;
      for (const fields of this.#told.splice(0)) this.#post("event", fields);
    } else if (data.type === "close") close();
    else if (data.type === "unread") emit("unread", { count: Number(data.count) || 0 });
    else if (data.type === "message") emit("message", { id: data.id, role: data.role });
    else if (data.type === "handoff") emit("handoff", { state: data.state, position: data.position });
    else if (data.type === "error") emit("error", { code: data.code });
  }
}
