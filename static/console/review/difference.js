/* What distinguishes two texts, word by word; each Chinese character is a word. */

const PIECES = /\p{Script=Han}|[^\s\p{Script=Han}]+|\s+/gu;
const MOST = 400;

/** Pieces as {kind: "same" | "del" | "ins", text}, by the longest common subsequence. */
export function difference(before, after) {
  const one = before.match(PIECES) ?? [];
  const other = after.match(PIECES) ?? [];
  if (one.length > MOST || other.length > MOST) {
    return [{ kind: "del", text: before }, { kind: "ins", text: after }];
  }
  const lengths = table(one, other);
  const found = [];
  let i = 0;
  let j = 0;
  while (i < one.length || j < other.length) {
    if (i < one.length && j < other.length && one[i] === other[j]) {
      add(found, "same", one[i++]);
      j += 1;
    } else if (j >= other.length || (i < one.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      add(found, "del", one[i++]);
    } else {
      add(found, "ins", other[j++]);
    }
  }
  return found;
}

function table(one, other) {
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = one[i] === other[j]
        ? lengths[i + 1][j + 1] + 1
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  return lengths;
}

function add(found, kind, text) {
  const last = found.at(-1);
  if (last?.kind === kind) last.text += text;
  else found.push({ kind, text });
}
