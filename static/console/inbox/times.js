/* When something was, in the page's language. */
const language = document.documentElement.lang || "en";
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", hour12: false });
const relative = new Intl.RelativeTimeFormat(language, { style: "narrow", numeric: "auto" });
const names = new Intl.DisplayNames([language], { type: "language" });

/** The hour today, the day before that. */
export function short(iso) {
  const at = new Date(iso);
  return at.toDateString() === new Date().toDateString() ? clock.format(at) : day.format(at);
}

export function hour(iso) {
  return clock.format(new Date(iso));
}

export function long(iso) {
  return full.format(new Date(iso));
}

/** How long ago, roughly. */
export function ago(iso) {
  const minutes = Math.round((new Date(iso) - Date.now()) / 60000);
  if (minutes > -60) return relative.format(minutes, "minute");
  if (minutes > -1440) return relative.format(Math.round(minutes / 60), "hour");
  return relative.format(Math.round(minutes / 1440), "day");
}

export function languageName(tag) {
  return names.of(tag === "zh-hans" ? "zh-Hans" : tag);
}
