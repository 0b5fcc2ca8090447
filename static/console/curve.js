/* One drawing of a run: the lines of training/console/curves.py, drawn again as points come. */
const SIDE = 1000;
const MARKS = 4;
const SMOOTHING = 0.9;

export class Curve {
  #figure;
  #lines;
  #step;
  #points = [];
  #last = 1;

  /** ``step`` says "step 40" in the reader's language. */
  constructor(figure, { step }) {
    this.#figure = figure;
    this.#step = step;
    this.#lines = [...figure.querySelectorAll("polyline")];
    const plot = figure.querySelector("svg");
    plot.addEventListener("pointermove", (event) => this.#read(event.offsetX / plot.clientWidth));
    plot.addEventListener("pointerleave", () => this.#read(null));
  }

  /** ``points`` in the order of their steps. */
  draw(points, totalSteps) {
    this.#points = points;
    this.#figure.hidden = !points.length;
    this.#last = Math.max(totalSteps, points.at(-1)?.step ?? 0, 1);
    const found = this.#lines.map((line) => values(points, line.dataset.field));
    const top = roundTop(Math.max(0, ...found.map((each) => each.reduce((most, [, value]) => Math.max(most, value), 0))));
    this.#lines.forEach((line, at) => {
      const shown = "smoothed" in line.dataset ? smoothed(found[at]) : found[at];
      line.setAttribute("points", shown.map(([step, value]) => this.#place(step, value, top)).join(" "));
    });
    this.#mark(".tr-up", (mark) => Number(((top * (MARKS - mark)) / MARKS).toPrecision(3)));
    this.#mark(".tr-across", (mark) => Math.round((this.#last * mark) / MARKS));
  }

  #place(step, value, top) {
    return `${((SIDE * step) / this.#last).toFixed(1)},${(SIDE * (1 - Math.min(1, value / top))).toFixed(1)}`;
  }

  #mark(selector, text) {
    [...this.#figure.querySelector(selector).children].forEach((each, mark) => (each.textContent = text(mark)));
  }

  // What was measured where somebody points.
  #read(share) {
    const cross = this.#figure.querySelector(".tr-cross");
    const output = this.#figure.querySelector("output");
    const measured = this.#points.filter((point) => this.#lines.some(({ dataset }) => point[dataset.field] != null));
    if (share === null || !measured.length) {
      cross.setAttribute("d", "");
      output.textContent = "";
      return;
    }
    const wanted = share * this.#last;
    const point = measured.reduce((best, each) => (Math.abs(each.step - wanted) < Math.abs(best.step - wanted) ? each : best));
    const x = (SIDE * point.step) / this.#last;
    cross.setAttribute("d", `M${x} 0V${SIDE}`);
    const numbers = this.#lines.map(({ dataset }) => point[dataset.field]).filter((value) => value != null);
    output.textContent = [this.#step(point.step), ...numbers.map((value) => Number(value.toPrecision(4)))].join(" · ");
  }
}

function values(points, field) {
  return points.filter((point) => point[field] != null).map((point) => [point.step, point[field]]);
}

function smoothed(found) {
  let mean = 0;
  return found.map(([step, value], at) => {
    mean = SMOOTHING * mean + (1 - SMOOTHING) * value;
    return [step, mean / (1 - SMOOTHING ** (at + 1))];
  });
}

function roundTop(highest) {
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((top) => top >= highest * 0.999);
}
