/* What the transcript shows: stored messages, then what is on its way, then the dots of a reply
   that is certain to come. Pure. */
import { isDiscarded } from "./store.js";

const CLOSE_MS = 5 * 60 * 1000;
const DOTS = { id: "", role: "assistant", status: "pending", text: "", code: "", source: "", feedback: null, created_at: "" };

/** ``expecting``: whether a bot answers what was just sent; ``open``: whether the bot can be told
    anything; ``callable``: whether a person can still be asked for; ``native``: whether the server
    speaks the language of the panel. */
export function items(messages, outbox, { expecting, open, callable, native }) {
  const shown = [...messages.filter((message) => !isDiscarded(message)), ...outbox];
  const mixed = shown.some(({ role }) => role === "agent");
  const last = shown.at(-1);
  if (expecting && last?.role === "customer" && !["failed", "queued"].includes(last.status)) shown.push({ ...DOTS, reply_to: last.id, dots: last });
  const questions = new Map(messages.map((message) => [message.id, message.client_message_id]));
  const used = new Set();
  return shown.map((message, at) => {
    const key = unused(used, keyOf(message, questions), message);
    return {
      ...message, message: message.dots ? DOTS : message, key, open, callable, native,
      speaks: mixed && ["assistant", "agent"].includes(message.role) && shown[at - 1]?.role !== message.role,
      newest: isNewest(shown, at), again: follows(shown[at - 1], message), retold: isRetold(shown, at),
    };
  });
}

// The dots and the reply that takes their place are one bubble, and so are a message on its way
// and the stored one.
function keyOf({ id, client_message_id: own, reply_to: question, dots }, questions) {
  if (dots) return `reply:${dots.client_message_id}`;
  return own ?? (questions.get(question) ? `reply:${questions.get(question)}` : id);
}

function unused(used, key, { id }) {
  const free = used.has(key) ? id : key;
  used.add(free);
  return free;
}

// Only the newest reply can be tried again.
function isNewest(shown, at) {
  return shown.slice(at + 1).every(({ role }) => role === "notice");
}

// A rejected answer is followed by another one, unless the conversation had gone on before.
function isRetold(shown, at) {
  const question = shown[at].reply_to;
  const later = shown.slice(at + 1);
  return !later.length || later.some(({ role, reply_to: same }) => role === "assistant" && question && same === question);
}

function follows(before, { role, created_at: created }) {
  return before?.role === role && !(new Date(created) - new Date(before.created_at) > CLOSE_MS);
}
