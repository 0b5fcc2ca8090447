/* Text reaches the page through textContent alone. */
export function byId(id) {
  return document.getElementById(id);
}

/** A copy of what a template holds. */
export function copy(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

export function part(element, name) {
  return element.querySelector(`[data-part="${name}"]`);
}

export function say(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
  return element;
}

export function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
