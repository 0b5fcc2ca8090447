/* Puts the panel together: what the chat tells goes to the screen, what people do to the chat. */
import { Announcer } from "./announcer.js";
import { Away } from "./away.js";
import { Bubble } from "./bubble.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { Desk } from "./desk.js";
import { spoken } from "./doubt.js";
import { Ended } from "./ended.js";
import { Host } from "./host.js";
import { I18n } from "./i18n.js";
import { Identity } from "./identity.js";
import { items } from "./items.js";
import { plain } from "./markdown.js";
import { Menu } from "./menu.js";
import { record, save } from "./record.js";
import { paint, shade } from "./theme.js";
import { Transcript } from "./transcript.js";
import { Typing } from "./typing.js";
import { Welcome } from "./welcome.js";

const EXPECT_MS = 5000;
const NOTICE_MS = 5000;
const BANNER_MS = 900;

const root = document.documentElement;
const find = (id) => document.getElementById(id);
const { bot, color, welcome: welcomeTexts, starters } = find("panel").dataset;

const identity = new Identity(bot, () => { chat.follow(); refresh(); });
const i18n = new I18n(identity.locale ?? root.lang);
const announcer = new Announcer();
const transcript = new Transcript(i18n, act);
const composer = new Composer(i18n, identity.tab.draft ?? "", {
  send, stop: () => chat.stop(), draft: (draft) => identity.keepInTab({ draft }), typing: () => chat.typing(), announce,
});
const desk = new Desk(i18n, { announce, changed: (change) => host.post("handoff", change) });
const typing = new Typing(i18n, announce);
const ended = new Ended(i18n, { rate: (rating, comment) => chat.rateConversation(rating, comment), save: saveRecord, fresh });
const away = new Away(i18n, identity.tab.letter ?? {}, {
  send: (fields) => chat.leaveMessage(fields), draft: (letter) => identity.keepInTab({ letter }), announce,
  closed() { refresh(); requestAnimationFrame(() => composer.focus()); },
});
const welcome = new Welcome(i18n, JSON.parse(welcomeTexts), JSON.parse(starters), send);
const chat = new Chat(bot, identity, {
  changed: refresh, connection: connectionChanged, arrived, problem, locale: () => i18n.locale, page: () => page,
  typing() { typing.heard(chat.agent?.name); transcript.settle(); },
  away: leave,
});
const host = new Host({
  hello({ color: wished, page: from }) { page = from ?? ""; paint(root, wished); host.post("ready"); refresh(); },
  shown({ phone, focus, page: from }) {
    shown = true;
    page = from ?? "";
    composer.fit();
    transcript.settle();
    if (focus) (phone ? find("title") : find("text")).focus();
    refresh();
  },
  hidden() { shown = false; },
  // Nothing of it is the visitor's concern: only the site hears that it failed.
  event(fields) { chat.event(fields).catch(({ code }) => host.post("error", { code })); },
  change({ locale, theme }) { if (locale) speak(locale); if (theme) shade(root, theme); },
});
let shown = !host.framed;
let expected = 0;
// Where the customer is on the site around the panel.
let page = "";
// Whether new bubbles move in: history is just there.
let lively = false;
let drawing = 0;
let banner = 0;
let toast = 0;

const menu = new Menu((what) => ({ fresh, person, language, save: saveRecord, forget: () => find("confirm").showModal() })[what]());
find("close").hidden = !host.framed;
find("close").addEventListener("click", () => host.post("close"));
find("person").addEventListener("click", person);
find("leave").addEventListener("click", leave);
find("connection").querySelector("button").addEventListener("click", () => chat.retryNow());
find("confirm").addEventListener("click", ({ target }) => answered(target.value));
document.addEventListener("visibilitychange", refresh);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !find("confirm").open) host.post("close");
});
paint(root, color);
speak(i18n.locale);
// Hidden until everything listens: nothing that is typed early gets lost.
find("panel").hidden = false;
composer.fit();
chat.resume();

function send(text) {
  expected = Date.now() + EXPECT_MS;
  setTimeout(refresh, EXPECT_MS);
  chat.send(text);
  transcript.toEnd();
}

function act(what, { message, retold }, details) {
  if (what === "copy") return copy(message);
  if (what === "person") return person();
  if (what === "ask") return send(details);
  if (what === "feedback") return rate(message, details, retold);
  if (message.role === "customer") return chat.sendAgain(message.client_message_id);
  return chat.retry(message);
}

async function copy(message) {
  try {
    await navigator.clipboard.writeText(plain(message.text));
    announcer.say(i18n.text("copied"));
    return true;
  } catch {
    notify(i18n.text("uncopied"));
    return false;
  }
}

async function rate(message, feedback, retold) {
  if (!await chat.rate(message, feedback)) return;
  if (feedback.reasons?.includes("other_question")) announcer.say(i18n.text(retold ? "looking" : "noted"));
  else if (feedback.value === "up" || feedback.reasons) notify(i18n.text("thanks"));
}

function person() {
  if (chat.status === "waiting" || chat.status === "taken") return;
  chat.person();
}

function leave() {
  away.show(composer.text);
  refresh();
}

function fresh() {
  chat.fresh();
  away.close();
  refresh();
  requestAnimationFrame(() => composer.focus());
}

function saveRecord() {
  const day = new Date().toLocaleDateString("sv");
  save(`chat-${day}.txt`, record(find("panel").dataset.name, shownItems(), i18n));
  announce(i18n.text("saved"));
}

function language() {
  identity.keep({ locale: i18n.other });
  speak(i18n.other);
}

function answered(choice) {
  if (!choice) return;
  find("confirm").close();
  if (choice === "forget") {
    chat.forget();
    composer.clear();
    away.forget();
    notify(i18n.text("forgotten"));
  }
  composer.focus();
}

function speak(locale) {
  i18n.locale = locale;
  root.lang = i18n.locale === "en" ? "en" : "zh-Hans";
  i18n.translate(document);
  welcome.speak();
  typing.speak();
  ended.speak();
  away.speak();
  transcript.reset();
  lively = false;
  refresh();
}

function refresh() {
  const unread = seen();
  host.post("unread", { count: unread });
  if (!drawing) drawing = requestAnimationFrame(draw);
}

function draw() {
  drawing = 0;
  const focused = document.activeElement;
  const closed = chat.status === "closed";
  const taken = chat.status === "taken";
  const list = shownItems();
  welcome.visible = !list.length && chat.restored;
  transcript.show(list, lively);
  lively = chat.restored;
  composer.answering(chat.running.length > 0 && !taken);
  find("composer").hidden = closed || away.open;
  document.querySelector(".middle").hidden = away.open;
  find("menu").querySelector("[data-do=person]").hidden = taken || closed;
  ended.show(closed && !away.open, { rating: chat.rating, answered: list.some(({ role }) => ["assistant", "agent"].includes(role)) });
  desk.show(chat, away.open);
  if (!taken) typing.stop();
  // What had the focus is gone, and nothing has taken it: it goes on where the visitor can.
  const lost = [document.body, focused].includes(document.activeElement);
  if (lost && focused?.closest("#panel") && !focused.checkVisibility()) find(closed ? "ended" : "transcript").focus({ preventScroll: true });
}

function shownItems() {
  const closed = chat.status === "closed";
  const taken = chat.status === "taken";
  return items(chat.store.messages, chat.store.outbox, {
    expecting: !closed && !taken && Date.now() < expected, open: !closed && !taken, callable: chat.status === "open",
    native: chat.locale === i18n.locale,
  });
}

function announce(text) {
  announcer.say(text);
}

/** Mark what is on the screen as read, also for other tabs; returns how much is unread. */
function seen() {
  const last = Math.max(0, ...answers().map((message) => message.seq));
  if (shown && !document.hidden && last > identity.read) identity.keep({ read: last });
  return answers().filter((message) => message.seq > identity.read).length;
}

function answers() {
  return chat.store.messages.filter(({ role, status }) => role !== "customer" && !["pending", "generating"].includes(status));
}

function arrived(message) {
  if (message.role === "agent") typing.stop();
  if (message.status === "pending") announcer.say(i18n.text("answering"));
  else if (!Desk.codes.includes(message.code)) announcer.say([`${speaker(message)}${told(message)}`, spoken(message, i18n)].join(" ").trim());
  if (message.status === "sent") host.post("message", { id: message.id, role: message.role });
}

function told(message) {
  return plain(Bubble.sentence(message, i18n)) || i18n.text("stopped");
}

// The bot announced itself when it began.
function speaker(message) {
  return message.role === "agent" ? `${Bubble.author(message, i18n)}${i18n.text("colon")}` : "";
}

function connectionChanged(state) {
  const trouble = state === "lost" || state === "refused";
  if (trouble) banner ||= setTimeout(showBanner, state === "refused" || !navigator.onLine ? 0 : BANNER_MS);
  if (state === "ready" || state === "closed") {
    clearTimeout(banner);
    banner = 0;
    find("connection").hidden = true;
  } else if (!find("connection").hidden) showBanner();
}

function showBanner() {
  const refused = chat.connection === "refused";
  const text = i18n.text(refused ? "refused" : navigator.onLine ? "reconnecting" : "offline");
  const line = find("connection").querySelector(".text");
  if (find("connection").hidden || line.textContent !== text) announcer.say(text);
  line.textContent = text;
  find("connection").querySelector("button").hidden = refused;
  find("connection").hidden = false;
}

function problem(code, seconds) {
  notify(i18n.text(code === "gone" ? "gone" : i18n.has(`error.${code}`) ? `error.${code}` : "error.unavailable", Math.ceil(seconds || 60)));
  host.post("error", { code });
}

function notify(text) {
  clearTimeout(toast);
  find("notice").textContent = text;
  find("notice").hidden = false;
  announcer.say(text);
  toast = setTimeout(() => { find("notice").hidden = true; }, NOTICE_MS);
}
