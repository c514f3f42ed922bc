// The keys of the flow editor, the way from a problem to its line, and the draft that a tab keeps until it is published.

import { CodeBox } from "./flow-colours.js";

const INDENT = "  ";
// The form of the editor, or of the page that asks whether its draft is to be published: both lead to the same address.
const form = document.getElementById("flow-form") ?? document.querySelector("[data-publishes]");
const KEPT_UNDER = `flow-draft:${form?.getAttribute("action")}`;

// Typed as by hand, so that undo knows it. There is no other way that does.
function type(text) {
  if (text) {
    document.execCommand("insertText", false, text);
  } else {
    document.execCommand("delete");
  }
}

// The lines that the selection touches, each with its text.
function selectedLines(area) {
  const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const untouched = area.selectionEnd > area.selectionStart && area.value[area.selectionEnd - 1] === "\n" ? 1 : 0;
  const next = area.value.indexOf("\n", area.selectionEnd - untouched);
  return { start, end: next < 0 ? area.value.length : next };
}

function indent(area, back) {
  const several = area.value.slice(area.selectionStart, area.selectionEnd).includes("\n");
  if (!several && !back) {
    type(INDENT);
    return;
  }
  const { start, end } = selectedLines(area);
  const lines = area.value.slice(start, end).split("\n");
  const changed = lines.map((line) => (back ? line.replace(/^ {1,2}|^\t/, "") : line && INDENT + line));
  const caret = several ? null : Math.max(start, area.selectionStart - (lines[0].length - changed[0].length));
  if (changed.join("\n") === lines.join("\n")) {
    return;
  }
  area.setSelectionRange(start, end);
  type(changed.join("\n"));
  area.setSelectionRange(caret ?? start, caret ?? start + changed.join("\n").length);
}

// A new line begins where its text should: as deep as the one above, deeper after "key:" and after "- key: value".
function breakLine(area) {
  const above = area.value.slice(area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
  const [depth] = above.match(/^ */);
  type(`\n${depth}${/:\s*$|^ *- /.test(above) ? INDENT : ""}`);
}

function takeKeys(area) {
  let leaving = false;
  area.addEventListener("blur", () => {
    leaving = false;
  });
  area.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === "Escape") {
      leaving = true;
    } else if (event.key === "Tab" && !leaving) {
      event.preventDefault();
      indent(area, event.shiftKey);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      breakLine(area);
    } else if (event.key !== "Tab" && event.key !== "Shift") {
      leaving = false;
    }
  });
}

// What this tab keeps of a draft that is not published: the sign-in may run out, or the tab be left by a slip.
function kept() {
  return JSON.parse(window.sessionStorage.getItem(KEPT_UNDER) ?? "null");
}

function keepDraft(area) {
  const keep = () => {
    const now = { text: area.value, at: Date.now(), basedOn: form.elements.based_on.value };
    try {
      window.sessionStorage.setItem(KEPT_UNDER, JSON.stringify(now));
    } catch (error) {
      console.info("The tab has no room to keep the draft.", error.name);
    }
  };
  area.addEventListener("input", keep);
  if ("draft" in form.dataset) {
    keep(); // the page came with a draft: an imported one, or one that the server sent back
  } else {
    offerKept(area);
  }
}

function offerKept(area) {
  const notice = document.getElementById("flow-kept");
  const draft = kept();
  if (draft && draft.text !== area.value) {
    notice.querySelector("[data-kept-at]").textContent = new Date(draft.at).toLocaleString();
    notice.hidden = false;
    notice.querySelector("[data-restores]").addEventListener("click", () => {
      notice.hidden = true;
      area.focus();
      area.select();
      type(draft.text);
      form.elements.based_on.value = draft.basedOn;
    });
    notice.querySelector("[data-forgets]").addEventListener("click", () => {
      notice.hidden = true;
      window.sessionStorage.removeItem(KEPT_UNDER);
      area.focus();
    });
  }
}

// The lines with problems, as the answer of the last check names them.
function wrongLines() {
  return [...document.querySelectorAll(".c-problems [data-line]")].map((link) => Number(link.dataset.line));
}

function explain(words) {
  const verdict = document.getElementById("flow-verdict");
  verdict.textContent = words;
  verdict.className = "c-notice c-notice-bad";
}

function watchChecks() {
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (target.id === "flow-checked" && !xhr.responseText.includes("data-checked")) {
      event.detail.shouldSwap = false;
      explain("You are signed out. This tab keeps the draft: open this page again, sign in, and go on with it.");
    }
  });
  document.addEventListener("htmx:sendError", () => explain("The server cannot be reached. This tab keeps the draft."));
  document.addEventListener("htmx:responseError", ({ detail }) => {
    explain(`The server did not check it (${detail.xhr.status}). This tab keeps the draft: open this page again, and go on with it.`);
  });
}

// A module runs once the page is read.
const isEditor = form?.id === "flow-form";
for (const box of document.querySelectorAll("[data-code]")) {
  const code = new CodeBox(box);
  if (!isEditor) {
    continue;
  }
  takeKeys(code.area);
  keepDraft(code.area);
  code.mark(wrongLines());
  document.addEventListener("htmx:afterSwap", () => code.mark(wrongLines()));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-line]");
    if (link) {
      event.preventDefault();
      code.jump(Number(link.dataset.line));
    }
  });
}
for (const hint of document.querySelectorAll("[data-with-script]")) {
  hint.hidden = false;
}
if (isEditor) {
  watchChecks();
}
// Once it is on its way to being published, the tab has nothing more to keep.
form?.addEventListener("submit", (event) => {
  if (event.submitter?.value === "publish") {
    window.sessionStorage.removeItem(KEPT_UNDER);
  }
});
