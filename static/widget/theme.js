/* Light or dark, and the bot's colour in shades that can be read on either. */
const LIGHT = [255, 255, 255];
const DARK = [21, 23, 28];
const READABLE = 4.6;

const parse = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
const print = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;
const mix = (a, b, share) => a.map((value, at) => value + (b[at] - value) * share);

function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** The colour, moved towards ``goal`` until it can be read on ``paper``. */
function readable(color, paper, goal) {
  let share = 0;
  while (share < 1 && contrast(mix(color, goal, share), paper) < READABLE) share += 0.05;
  return mix(color, goal, Math.min(share, 1));
}

export function paint(root, color) {
  if (!/^#[0-9a-f]{6}$/i.test(color)) return;
  const rgb = parse(color);
  const white = contrast(rgb, LIGHT) >= contrast(rgb, DARK);
  // Text on the colour itself: darken or lighten the fill until its text is readable.
  const fill = readable(rgb, white ? LIGHT : DARK, white ? [0, 0, 0] : [255, 255, 255]);
  root.style.setProperty("--fill", print(fill));
  root.style.setProperty("--on-fill", print(white ? LIGHT : DARK));
  root.style.setProperty("--accent-light", print(readable(rgb, [240, 242, 245], [0, 0, 0])));
  root.style.setProperty("--accent-dark", print(readable(rgb, [38, 42, 50], [255, 255, 255])));
}

export function shade(root, theme) {
  root.dataset.theme = ["light", "dark"].includes(theme) ? theme : "auto";
}
