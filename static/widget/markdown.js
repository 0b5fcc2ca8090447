/* A small part of Markdown as DOM nodes: paragraphs, emphasis, code, lists and links. Text becomes
   text nodes and nothing else, so no answer can bring markup, images or scripts of its own. */
const BULLET = /^\s{0,3}[-*+]\s+(.*)$/;
const NUMBER = /^\s{0,3}(\d{1,4})[.)]\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const FENCE = /^\s{0,3}```/;
const LINK = /^\[([^[\]]{1,200})\]\(([^()\s]{1,500})\)/;
const ADDRESS = /^https:\/\/[^\s<>"'`，。！？；：、（）]{1,500}/;
const TRAILING = /[.,;:!?)\]]+$/;
const WORD = /[\p{L}\p{N}_]/u;
const DEPTH = 4;

/** The nodes for ``source``. */
export function render(source) {
  const fragment = document.createDocumentFragment();
  const lines = source.replace(/\r\n?/g, "\n").split("\n");
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) fragment.append(element("p", inlineLines(paragraph)));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const list = listAt(lines, at);
    const heading = HEADING.exec(line);
    if (FENCE.test(line)) {
      flush();
      let end = at + 1;
      while (end < lines.length && !FENCE.test(lines[end])) end++;
      fragment.append(codeBlock(lines.slice(at + 1, end).join("\n")));
      at = end;
    } else if (list) {
      flush();
      fragment.append(list.node);
      at = list.last;
    } else if (heading) {
      flush();
      fragment.append(element("p", [element("strong", inline(heading[1]))]));
    } else if (line.trim()) paragraph.push(line.trim());
    else flush();
  }
  flush();
  return fragment;
}

/** What a screen reader says: the same without signs, one line per block. */
export function plain(source) {
  const blocks = [...render(source).querySelectorAll("p, li, pre")];
  return blocks.map((block) => block.textContent.trim()).join("\n");
}

function element(tag, children) {
  const node = document.createElement(tag);
  node.append(...children);
  return node;
}

function codeBlock(text) {
  const block = element("pre", [element("code", [text])]);
  block.tabIndex = 0;
  return block;
}

function listAt(lines, first) {
  const pattern = BULLET.test(lines[first]) ? BULLET : NUMBER;
  if (!pattern.test(lines[first])) return null;
  const items = [];
  let last = first;
  for (; last < lines.length && pattern.test(lines[last]); last++) {
    items.push(element("li", inline(pattern.exec(lines[last]).at(-1))));
  }
  const node = element(pattern === BULLET ? "ul" : "ol", items);
  if (pattern === NUMBER) node.start = Number(NUMBER.exec(lines[first])[1]);
  return { node, last: last - 1 };
}

function inlineLines(lines) {
  return lines.flatMap((line, at) => (at ? [document.createElement("br"), ...inline(line)] : inline(line)));
}

/** One pass from left to right; a sign without its partner stays a sign. */
function inline(text, depth = 0) {
  const nodes = [];
  let pending = "";
  let at = 0;
  while (at < text.length) {
    const found = depth < DEPTH ? span(text, at, depth) : null;
    if (found) {
      nodes.push(pending, found.node);
      pending = "";
      at = found.end;
    } else if (text[at] === "\\" && /[\\`*_[\]#]/.test(text[at + 1] ?? "")) {
      pending += text[at + 1];
      at += 2;
    } else pending += text[at++];
  }
  return [...nodes, pending].filter((node) => node !== "");
}

function span(text, at, depth) {
  switch (text[at]) {
    case "`": return code(text, at);
    case "*":
    case "_": return emphasis(text, at, depth);
    case "[": return link(text, at);
    case "h": return address(text, at);
    default: return null;
  }
}

function code(text, at) {
  const end = text.indexOf("`", at + 1);
  if (end <= at + 1) return null;
  return { node: element("code", [text.slice(at + 1, end)]), end: end + 1 };
}

function emphasis(text, at, depth) {
  const sign = text[at];
  const strong = text[at + 1] === sign;
  const mark = strong ? sign + sign : sign;
  const start = at + mark.length;
  const end = text.indexOf(mark, start);
  if (end <= start || /\s/.test(text[start]) || /\s/.test(text[end - 1])) return null;
  const after = end + mark.length;
  if (sign === "_" && (WORD.test(text[at - 1] ?? "") || WORD.test(text[after] ?? ""))) return null;
  return { node: element(strong ? "strong" : "em", inline(text.slice(start, end), depth + 1)), end: after };
}

function link(text, at) {
  const found = LINK.exec(text.slice(at, at + 720));
  const target = found && safe(found[2]);
  if (!target) return null;
  return { node: anchor(target, [found[1]]), end: at + found[0].length };
}

function address(text, at) {
  if (WORD.test(text[at - 1] ?? "")) return null;
  const found = ADDRESS.exec(text.slice(at, at + 520))?.[0].replace(TRAILING, "");
  const target = found && safe(found);
  return target ? { node: anchor(target, [found]), end: at + found.length } : null;
}

function safe(address) {
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "mailto:" ? url.href : null;
  } catch {
    return null;
  }
}

function anchor(target, children) {
  const node = element("a", children);
  node.href = target;
  node.target = "_blank";
  node.rel = "noopener nofollow ugc";
  node.title = target;
  return node;
}
