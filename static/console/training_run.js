/* The page of a training run, kept as the run is. The server's HTML is what it starts from. */
import { Curve } from "./curve.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30000;
const SILENCE_MS = 30000;
const ANSWER_MS = 8000;
const HOPELESS = new Set([4403, 4404]);
const OVER = new Set(["succeeded", "failed", "cancelled"]);
const GIBIBYTE = 2 ** 30;
const MOST_NOTES = 200;

export class TrainingRun {
  #page;
  #words;
  #language = document.documentElement.lang;
  #curves;
  #points = new Map();
  #run = null;
  #socket = null;
  #losses = 0;
  #watch = 0;
  #drawing = 0;

  constructor(page, words) {
    this.#page = page;
    this.#words = words;
    const step = (number) => words.step.replace("%s", number);
    this.#curves = [...page.querySelectorAll("[data-curve]")].map((figure) => new Curve(figure, { step }));
  }

  watch() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(`${scheme}//${location.host}${this.#page.dataset.socket}`);
    this.#socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.#socket.onclose = ({ code }) => (HOPELESS.has(code) ? this.#giveUp() : this.#comeBack());
    this.#expect(ANSWER_MS);
  }

  #hear(event) {
    this.#losses = 0;
    this.#say("live", this.#words.live).classList.add("is-live");
    this.#listen();
    this.#take(event);
    // The server's page then has links that this one has not.
    if (OVER.has(this.#run?.status)) this.#rest();
  }

  #take(event) {
    if (event.type === "run.state") {
      this.#points.clear();
      this.#part("notes").replaceChildren();
      for (const note of event.notes) this.#note(note);
    }
    for (const point of event.points ?? []) this.#measured(point);
    if (event.note) this.#note(event.note);
    if (event.run) this.#changed(event.run);
    if (event.points) this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  // Silence for a while: ask for the state. Silence after that: the line is dead.
  #listen() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.#socket.send("{}");
      this.#expect(ANSWER_MS);
    }, SILENCE_MS);
  }

  #expect(milliseconds) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#comeBack(), milliseconds);
  }

  #comeBack() {
    this.#drop();
    this.#say("live", this.#words.lost).classList.remove("is-live");
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#losses++);
    this.#watch = setTimeout(() => this.watch(), longest * (0.5 + Math.random() / 2));
  }

  #giveUp() {
    this.#drop();
    this.#say("live", this.#words.refused).classList.remove("is-live");
  }

  #rest() {
    this.#drop();
    this.#say("live", "").classList.remove("is-live");
  }

  #drop() {
    clearTimeout(this.#watch);
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  // A step may come twice: its training and its held-out loss, or again after a crash.
  #measured(point) {
    const known = this.#points.get(point.step) ?? {};
    const measured = Object.entries(point).filter(([, value]) => value !== null);
    this.#points.set(point.step, { ...known, ...Object.fromEntries(measured) });
  }

  #draw() {
    this.#drawing = 0;
    const points = [...this.#points.values()].sort((one, other) => one.step - other.step);
    for (const curve of this.#curves) curve.draw(points, this.#run?.total_steps ?? 0);
    this.#part("empty").hidden = points.length > 0;
    this.#tell("loss", newest(points, "loss"), (value) => this.#number(value, 4));
    this.#tell("heldout", newest(points, "heldout_loss"), (value) => this.#number(value, 4));
    this.#tell("rate", newest(points, "learning_rate"), (value) => (value ? value.toExponential(1) : "0"));
    this.#tell("speed", newest(points, "tokens_per_second"), (value) => this.#number(value, 0));
    this.#tell("memory", newest(points, "memory_bytes"), (value) => `${this.#number(value / GIBIBYTE, 1)} GB`);
  }

  #changed(run) {
    const before = this.#run?.status ?? this.#part("bar").className.replace("is-", "");
    this.#run = run;
    this.#say("status", this.#words.statuses[run.status]).className = `tr-status is-${run.status}`;
    this.#part("bar").className = `is-${run.status}`;
    this.#part("bar").value = run.share;
    this.#say("percent", `${Math.round(100 * run.share)} %`);
    this.#say("left", this.#left(run));
    this.#say("step", run.step);
    if (run.total_steps) this.#say("step-of", run.total_steps);
    this.#stages(run);
    const isOver = OVER.has(run.status);
    this.#part("cancelling").hidden = !run.cancel_requested || isOver;
    this.#show("cancel", !isOver && !run.cancel_requested);
    this.#show("before", run.status === "queued");
    if (isOver && !OVER.has(before)) this.#part("reload").hidden = false;
  }

  #stages(run) {
    const steps = [...this.#page.querySelectorAll("[data-stage]")];
    const reached = run.status === "succeeded" ? steps.length : steps.findIndex((step) => step.dataset.stage === run.stage);
    const here = run.status === "running" ? "is-now" : "is-stopped";
    steps.forEach((step, at) => {
      step.className = at < reached ? "is-done" : at === reached ? here : "";
      step.toggleAttribute("aria-current", false);
      if (step.className === "is-now") step.setAttribute("aria-current", "step");
    });
  }

  #left(run) {
    const seconds = run.total_seconds_left ?? run.seconds_left;
    if (run.status !== "running" || seconds === null) return "";
    const { left, minutes, seconds: few, secondsShown } = this.#words;
    const duration = seconds < secondsShown ? few.replace("%s", Math.round(seconds)) : minutes.replace("%s", Math.round(seconds / 60));
    return left.replace("%s", duration);
  }

  #note({ kind, detail, created_at: at }) {
    const line = document.getElementById("run-note").content.firstElementChild.cloneNode(true);
    const [time, text] = line.children;
    time.dateTime = at;
    time.textContent = new Date(at).toLocaleTimeString(this.#language, { hour12: false });
    const said = (name) => (typeof detail[name] === "number" ? detail[name].toLocaleString(this.#language) : (detail[name] ?? ""));
    text.textContent = (this.#words.notes[kind] ?? kind).replace(/%\((\w+)\)s/g, (_, name) => said(name));
    const notes = this.#part("notes");
    notes.prepend(line);
    if (notes.children.length > MOST_NOTES) notes.lastElementChild.remove();
  }

  #tell(name, value, said) {
    if (value !== null) this.#say(name, said(value));
  }

  #number(value, places) {
    return value.toLocaleString(this.#language, { minimumFractionDigits: places, maximumFractionDigits: places });
  }

  #show(name, isShown) {
    const part = this.#part(name);
    if (part) part.hidden = !isShown;
  }

  #say(name, text) {
    const part = this.#part(name);
    if (part.textContent !== String(text)) part.textContent = text;
    return part;
  }

  #part(name) {
    return this.#page.querySelector(`[data-part="${name}"]`);
  }
}

function newest(points, field) {
  return points.findLast((point) => point[field] != null)?.[field] ?? null;
}

const page = document.getElementById("training-run");
if (page) new TrainingRun(page, JSON.parse(document.getElementById("run-words").textContent)).watch();
