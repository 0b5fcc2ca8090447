/* Messages may be in another language than the panel: voices and fonts differ. */
export function languageOf(text) {
  if (/\p{Script=Han}/u.test(text)) return "zh-Hans";
  return /[a-z]{2}/i.test(text) ? "en" : null;
}
