/* What screen readers hear: a hidden live region of its own, so that a growing answer is read
   once and not word by word. */
const KEEP_MS = 1000;

export class Announcer {
  #region = document.getElementById("announcer");

  say(text) {
    const line = document.createElement("p");
    line.textContent = text;
    this.#region.append(line);
    setTimeout(() => line.remove(), KEEP_MS);
  }
}
