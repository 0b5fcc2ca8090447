/* The conversation as a text file, made here of what is shown. */
import { Bubble } from "./bubble.js";
import { plain } from "./markdown.js";

/** One paragraph for each message: when, who, what. */
export function record(title, messages, i18n) {
  const lines = messages.filter(({ role, text }) => text || role === "notice").map((message) => {
    const sentence = Bubble.sentence(message, i18n);
    const text = message.role === "customer" ? sentence : plain(sentence);
    return `[${i18n.moment(new Date(message.created_at))}] ${Bubble.author(message, i18n)}${i18n.text("colon")}${text}`;
  });
  return [title, ...lines].join("\n\n") + "\n";
}

/** Let the browser save ``text`` under ``name``. */
export function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
