/* Personal data that the server keeps to itself: [PHONE_1] is shown as what it stands for. */
const PLACEHOLDER = /\[([A-Z]+(?:_[A-Z]+)*)_(\d{1,4})\]/g;

export function hasMasked(text) {
  return text.search(PLACEHOLDER) >= 0;
}

/** The text with every placeholder named in the reader's language. */
export function named(text, i18n) {
  return text.replace(PLACEHOLDER, (whole, kind) => {
    const name = i18n.text(`masked.${kind.toLowerCase()}`);
    return name ? `‹${name}›` : whole;
  });
}
