// Line numbers and colours of a flow document. They lie beside and below the text area, which stays the one that is
// read, typed into and sent: without this script it is a plain one.

const MOST_COLOURED_LINES = 4000;
const TOKENS = /(?<comment>(?:^|(?<=\s))#.*$)|(?<key>(?<=^[\s-]*|[{,]\s*)(?:"[^"]*"|[\w.-]+)(?=\s*:(?:\s|$)))|(?<variable>\{\{.*?\}\})|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')/g;
const VARIABLES = /(\{\{.*?\}\})/;

function piece(words, kind) {
  const span = document.createElement("span");
  span.className = `c-code-${kind}`;
  if (kind !== "text") {
    span.textContent = words;
    return span;
  }
  for (const part of words.split(VARIABLES)) {
    span.append(part.startsWith("{{") ? piece(part, "variable") : part);
  }
  return span;
}

function colouredLine(text) {
  const line = document.createElement("div");
  let at = 0;
  for (const match of text.matchAll(TOKENS)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    line.append(text.slice(at, match.index), piece(match[0], kind));
    at = match.index + match[0].length;
  }
  line.append(text.slice(at));
  return line;
}

function numbered(number) {
  const line = document.createElement("div");
  line.textContent = number;
  return line;
}

// The text area of a box, with `lines()`, `mark(numbers)` and `jump(number)`.
export class CodeBox {
  constructor(box) {
    this.box = box;
    this.area = box.querySelector("textarea");
    this.numbers = this.layer("c-code-lines");
    this.colours = this.layer("c-code-colours");
    this.known = [];
    this.marked = new Set();
    box.classList.add("has-numbers");
    if (this.area.readOnly) {
      this.area.rows = Math.min(this.lines().length + 1, 40);
    }
    this.area.addEventListener("input", () => this.draw());
    this.area.addEventListener("scroll", () => this.follow());
    this.draw();
  }

  // What is inside a layer is moved, not scrolled: a layer has no scroll bar that could end before the text area's does.
  layer(name) {
    const layer = document.createElement("pre");
    layer.className = name;
    layer.setAttribute("aria-hidden", "true");
    const inside = document.createElement("div");
    layer.append(inside);
    this.box.prepend(layer);
    return inside;
  }

  lines() {
    return this.area.value.split("\n");
  }

  // Only lines that differ are made anew: those above and below stay.
  draw() {
    const lines = this.lines();
    const known = this.known;
    let above = 0;
    while (above < Math.min(lines.length, known.length) && lines[above] === known[above]) {
      above += 1;
    }
    let below = 0;
    const most = Math.min(lines.length, known.length) - above;
    while (below < most && lines[lines.length - 1 - below] === known[known.length - 1 - below]) {
      below += 1;
    }
    const coloured = lines.length <= MOST_COLOURED_LINES;
    this.box.classList.toggle("is-coloured", coloured);
    if (coloured) {
      const gone = [...this.colours.children].slice(above, known.length - below);
      const next = this.colours.children[known.length - below] ?? null;
      for (const line of lines.slice(above, lines.length - below)) {
        this.colours.insertBefore(colouredLine(line), next);
      }
      gone.forEach((line) => line.remove());
      this.known = lines;
    } else {
      this.colours.replaceChildren();
      this.known = [];
    }
    if (this.numbers.childElementCount !== lines.length) {
      this.numbers.replaceChildren(...lines.map((_, index) => numbered(index + 1)));
      this.box.style.setProperty("--digits", String(lines.length).length);
    }
    this.mark(this.marked);
    this.follow();
  }

  follow() {
    const up = `${-this.area.scrollTop}px`;
    this.numbers.style.translate = `0 ${up}`;
    this.colours.style.translate = `${-this.area.scrollLeft}px ${up}`;
  }

  mark(numbers) {
    this.marked = new Set(numbers);
    for (const layer of [this.numbers, this.colours]) {
      [...layer.children].forEach((line, index) => line.classList.toggle("is-wrong", this.marked.has(index + 1)));
    }
  }

  jump(number) {
    const lines = this.lines();
    const line = Math.min(Math.max(number, 1), lines.length);
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    const height = Number.parseFloat(getComputedStyle(this.area).lineHeight);
    this.area.scrollIntoView({ block: "nearest" });
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(start, start + lines[line - 1].length);
    this.area.scrollTop = (line - 1) * height - this.area.clientHeight / 3;
    this.area.scrollLeft = 0;
  }
}
