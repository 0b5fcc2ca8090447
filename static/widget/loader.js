/* The launcher that a website embeds: one button in a shadow root, and window.csbot. The panel
   behind it comes from frame.js when it is first needed. Neither knows anything of messages. */
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script?.dataset.bot) return;
  const TEXTS = {
    en: { open: "Open chat", close: "Close chat", unread: (n) => `, ${n} unread` },
    "zh-hans": { open: "打开聊天", close: "关闭聊天", unread: (n) => `，${n} 条未读` },
  };
  const CSS = `
:host { all: initial; position: fixed; z-index: 2147483000; bottom: 20px; }
[hidden] { display: none !important; }
button { all: unset; box-sizing: border-box; position: relative; display: grid; place-items: center;
  width: 60px; height: 60px; border-radius: 50%; cursor: pointer; color: var(--ink); background: var(--color);
  box-shadow: 0 6px 20px rgb(0 0 0 / .22), 0 1px 4px rgb(0 0 0 / .18); transition: transform .15s; }
button:hover { transform: scale(1.05); }
button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #1b1f27; }
svg { width: 28px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.badge { position: absolute; top: -4px; right: -4px; min-width: 22px; padding: 0 6px; box-sizing: border-box;
  border-radius: 11px; background: #c81e3a; color: #fff; font: 600 12px/22px system-ui; text-align: center; }
@media (prefers-reduced-motion: reduce) { button { transition: none; } button:hover { transform: none; } }
@media (forced-colors: active) { button { border: 2px solid; } }
@media print { :host { display: none; } }`;
  const CHAT = "M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12ZM9 12h.01M13 12h.01M17 12h.01";
  const DOWN = "M6 9l6 6 6-6";

  const known = (locale) => (/^zh/i.test(locale || "") ? "zh-hans" : "en");

  function ink(color) {
    const [r, g, b] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3 ? "#14161a" : "#fff";
  }

  // Browsers may forbid storage to a page; then the state lasts as long as the page.
  function remember(key, value) {
    try {
      if (value === undefined) return sessionStorage.getItem(key);
      sessionStorage.setItem(key, value);
    } catch { /* not allowed here */ }
    return null;
  }

  class Widget {
    #listeners = new Map();
    #options; #host; #root; #button; #icon; #badge; #frame;
    #open = false; #ready = false; #unread = 0;

    constructor({ origin, bot, locale, theme, color, side, index }) {
      this.#options = { origin, bot, color, side, locale: known(locale), theme: theme || "auto" };
      this.#draw(index);
      if (remember(`csbot:${bot}:open`) === "1") this.#set(true, false);
      else (window.requestIdleCallback || setTimeout)(() => this.#load(), { timeout: 8000 });
    }

    get side() { return this.#options.side; }

    open() { this.#set(true, true); }
    close() { this.#set(false, true); }
    toggle() { this.#set(!this.#open, true); }
    setLocale(locale) { this.#change({ locale: known(locale) }); }
    setTheme(theme) { this.#change({ theme }); }
    event(name, more) { this.#load().then((frame) => frame?.event({ ...more, name })); }

    on(event, listener) {
      const listeners = this.#listeners.get(event) || new Set();
      this.#listeners.set(event, listeners.add(listener));
      if (event === "ready" && this.#ready) queueMicrotask(() => listener({ bot: this.#options.bot }));
      return () => listeners.delete(listener);
    }

    #emit(event, detail) {
      if (event === "ready") this.#ready = true;
      if (event === "unread") { this.#unread = detail.count; this.#label(); }
      for (const listener of this.#listeners.get(event) || []) {
        try { listener({ bot: this.#options.bot, ...detail }); } catch (error) { console.error(error); }
      }
    }

    #change(options) {
      Object.assign(this.#options, options);
      this.#label();
      this.#frame?.then((frame) => frame.change(options));
    }

    async #set(open, gesture) {
      if (open === this.#open) return;
      if (open) for (const other of widgets.values()) other.close();
      this.#open = open;
      this.#label();
      remember(`csbot:${this.#options.bot}:open`, open ? "1" : "0");
      const focused = document.activeElement === this.#host;
      this.#emit(open ? "open" : "close");
      const frame = await this.#load();
      if (open !== this.#open) return;
      frame?.[open ? "show" : "hide"](gesture);
      if (!open && focused) this.#button.focus();
    }

    #load() {
      this.#frame ||= import(new URL("frame.js", script.src).href).then(({ Frame }) => new Frame({
        ...this.#options, root: this.#root, host: this.#host, button: this.#button,
        close: () => this.close(), emit: (event, detail) => this.#emit(event, detail),
      })).catch(() => { this.#frame = null; this.#emit("error", { code: "unreachable" }); });
      return this.#frame;
    }

    #draw(index) {
      const { bot, color, side } = this.#options;
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      this.#host = document.createElement("div");
      this.#host.id = `csbot-${bot}`;
      this.#host.style[side] = `${20 + index * 76}px`;
      this.#host.style.setProperty("--color", color);
      this.#host.style.setProperty("--ink", ink(color));
      this.#root = this.#host.attachShadow({ mode: "open" });
      this.#root.adoptedStyleSheets = [sheet];
      this.#button = document.createElement("button");
      this.#button.type = "button";
      this.#button.ariaHasPopup = "dialog";
      this.#button.onclick = () => this.toggle();
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 24 24");
      svg.setAttribute("aria-hidden", "true");
      this.#icon = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
      this.#badge = document.createElement("span");
      this.#badge.className = "badge";
      this.#badge.ariaHidden = "true";
      this.#button.append(svg, this.#badge);
      this.#root.append(this.#button);
      this.#root.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
      this.#label();
      document.body.append(this.#host);
      // Single-page frameworks swap the whole body: move along.
      new MutationObserver(() => !this.#host.isConnected && document.body?.append(this.#host))
        .observe(document.documentElement, { childList: true });
    }

    #label() {
      const texts = TEXTS[this.#options.locale];
      const unread = this.#open ? 0 : this.#unread;
      this.#host.lang = this.#options.locale;
      this.#icon.setAttribute("d", this.#open ? DOWN : CHAT);
      this.#badge.textContent = unread > 9 ? "9+" : unread;
      this.#badge.hidden = !unread;
      this.#button.ariaExpanded = this.#open;
      this.#button.ariaLabel = this.#open ? texts.close : texts.open + (unread ? texts.unread(unread) : "");
    }
  }

  const widgets = new Map();
  const early = window.csbot;
  const api = early?.add ? early : {
    get: (bot) => widgets.get(bot),
    push: (then) => then(api),
    add(options) {
      if (widgets.has(options.bot)) return;
      const index = [...widgets.values()].filter(({ side }) => side === options.side).length;
      widgets.set(options.bot, new Widget({ ...options, index }));
    },
  };
  for (const name of ["open", "close", "toggle", "setLocale", "setTheme", "event", "on"]) {
    api[name] ||= (...values) => widgets.values().next().value?.[name](...values);
  }
  window.csbot = api;

  const { bot, locale, theme, color, position } = script.dataset;
  const start = () => {
    api.add({
      bot, theme, origin: new URL(script.src).origin, side: position === "left" ? "left" : "right",
      color: /^#[0-9a-f]{6}$/i.test(color) ? color : "#3451d1",
      locale: locale || document.documentElement.lang || navigator.language,
    });
    if (Array.isArray(early)) early.forEach((then) => then(api));
  };
  if (document.body) start();
  else addEventListener("DOMContentLoaded", start);
})();
