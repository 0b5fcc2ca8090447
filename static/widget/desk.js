/* Who answers: the bot, soon a person, or a person. In the header, in a banner below it, and in
   one sentence for those who listen. */
const STATES = { waiting: "waiting", taken: "taken", closed: "closed" };

export class Desk {
  #banner = document.getElementById("desk");
  #presence = document.getElementById("presence");
  #icon = document.getElementById("answerer").querySelector("use");
  #leave = document.getElementById("leave");
  #ask = document.getElementById("person");
  #i18n;
  #callbacks;
  #conversation;
  #state = "bot";
  #told = "";
  #reported = "bot ";

  /** ``callbacks``: announce(text), changed({state, position}). */
  constructor(i18n, callbacks) {
    this.#i18n = i18n;
    this.#callbacks = callbacks;
  }

  /** Codes of notices whose news is told here, or in the form that opens with it. */
  static get codes() {
    return ["person_requested", "out_of_hours", "agent_joined", "agent_left", "conversation_closed", "left_message"];
  }

  /** Show how a chat stands. ``chat``: conversation id, status, agent, position, attended; ``leaving``:
      whether the form is open, which says already that nobody is there. */
  show({ conversation, status, agent, position, attended }, leaving) {
    const state = STATES[status] ?? "bot";
    const name = agent?.name ?? "";
    const words = this.#words(state, { name, position, attended });
    this.#draw(state, words, leaving);
    this.#banner.hidden = !words || (leaving && state === "waiting");
    this.#leave.hidden = state !== "waiting" || attended;
    this.#tell(conversation, { state, name, position, attended }, leaving);
    this.#report(state, position);
  }

  /** What the banner says, in two parts, or null. */
  #words(state, { name, position, attended }) {
    if (state === "taken") return [name || this.#i18n.text("agent"), this.#i18n.text("attended")];
    if (state !== "waiting") return null;
    if (!attended) return [this.#i18n.text("away_now"), ""];
    return [this.#i18n.text("connecting"), position ? this.#i18n.text("position", { position }) : this.#i18n.text("soon")];
  }

  #draw(state, words, leaving) {
    const taken = state === "taken";
    const waiting = state === "waiting";
    this.#banner.dataset.state = state;
    this.#banner.querySelector("strong").textContent = words?.[0] ?? "";
    this.#banner.querySelector(".text").textContent = words?.[1] ?? "";
    this.#presence.textContent = this.#i18n.text({ taken: "attended_short", waiting: "waiting", closed: "closed" }[state] ?? "assistant");
    this.#presence.dataset.state = state;
    this.#icon.setAttribute("href", taken ? "#icon-person" : "#icon-spark");
    this.#icon.closest(".avatar").classList.toggle("human", taken);
    this.#ask.hidden = taken || leaving || state === "closed";
    this.#ask.setAttribute("aria-disabled", waiting);
    this.#ask.querySelector("span").textContent = this.#i18n.text(waiting ? "waiting" : "person");
  }

  // Each change once. What a chat began with is no change, unless a person is in it or awaited.
  #tell(conversation, { state, name, position, attended }, leaving) {
    const now = [state, name, position, attended].join(" ");
    if (now === this.#told && conversation === this.#conversation) return;
    const before = conversation === this.#conversation || !this.#conversation ? this.#state : "bot";
    this.#told = now;
    this.#conversation = conversation;
    this.#state = state;
    const sentence = this.#sentence(state, before, { name, position, attended });
    if (sentence && !(leaving && state === "waiting")) this.#callbacks.announce(sentence);
  }

  #report(state, position) {
    const now = [state, position].join(" ");
    if (now === this.#reported) return;
    this.#reported = now;
    this.#callbacks.changed({ state, position });
  }

  #sentence(state, before, now) {
    const { name } = now;
    if (state === "waiting") return this.#words(state, now).join(" ").trim();
    if (state === "taken") return name ? this.#i18n.text("joined", { name }) : this.#i18n.text("attended");
    if (state === "closed") return this.#i18n.text("closed");
    return before === "taken" || before === "waiting" ? this.#i18n.text("back") : "";
  }
}
