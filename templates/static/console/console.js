// What the console's own pages do beyond HTML: the operator's time zone, keys, and pages that update themselves.

const YEAR_SECONDS = 365 * 24 * 3600;

function rememberTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    const secure = window.location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `console_time_zone=${zone}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
  }
}

function isTyping(event) {
  const target = event.target;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

function moveFocus(by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  if (rows.length === 0) {
    return;
  }
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
}

const KEYS = {
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  r: () => document.querySelector("[data-key='r']")?.click(),
  "?": () => document.getElementById("key-help")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

// Tabs: arrows, Home and End move between them, Enter opens as on every link, and so does the space bar.
const TAB_STEPS = { ArrowRight: 1, ArrowLeft: -1 };
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  if (!tab) {
    return;
  }
  const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
  const ends = { Home: 0, End: tabs.length - 1 };
  if (event.key in TAB_STEPS) {
    tabs[(tabs.indexOf(tab) + TAB_STEPS[event.key] + tabs.length) % tabs.length].focus();
  } else if (event.key in ends) {
    tabs[ends[event.key]].focus();
  } else if (event.key === " ") {
    tab.click();
  } else {
    return;
  }
  event.preventDefault();
});

// A row of a list opens on Enter, as its link would.
document.addEventListener("keydown", (event) => {
  const row = event.target;
  if (event.key === "Enter" && row.matches?.("tr[data-row]")) {
    row.querySelector("a[href]")?.click();
  }
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) {
    document.getElementById(opener.dataset.opens)?.showModal();
    return;
  }
  const copier = event.target.closest?.("[data-copies]");
  if (copier) {
    const source = document.getElementById(copier.dataset.copies);
    navigator.clipboard.writeText(source.textContent.trim()).then(() => {
      copier.textContent = "Copied";
    });
    return;
  }
  if (event.target.tagName === "DIALOG" || event.target.closest?.("[data-closes]")) {
    event.target.closest("dialog")?.close();
  }
});

// Keep what the operator has opened, and where the focus was, when a part of the page is replaced by a newer one.
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  if (!target.matches?.("[data-keeps-open]")) {
    return;
  }
  kept = {
    open: [...target.querySelectorAll("details[id][open]")].map((details) => details.id),
    focused: target.contains(document.activeElement) ? document.activeElement.id : "",
  };
});
document.addEventListener("htmx:afterSwap", () => {
  if (!kept) {
    return;
  }
  for (const id of kept.open) {
    document.getElementById(id)?.setAttribute("open", "");
  }
  if (kept.focused) {
    document.getElementById(kept.focused)?.focus({ preventScroll: true });
  }
  kept = null;
});

// A part that cannot be had says so in its place; a page that updates itself says that it no longer does, and goes on trying.
const UPDATES_ITSELF = "[hx-trigger^='every']";

function tellFailure(event, words) {
  if (event.target.matches?.("details")) {
    event.detail.target.textContent = `${words} Reload the page to try again.`;
  } else if (event.target.matches?.(UPDATES_ITSELF)) {
    const notice = document.getElementById("not-updated") ?? document.createElement("p");
    notice.id = "not-updated";
    notice.className = "c-notice c-notice-warn";
    notice.setAttribute("role", "status");
    notice.textContent = `${words} What you see may be out of date; this page goes on trying.`;
    event.target.before(notice);
  }
}
document.addEventListener("htmx:sendError", (event) => tellFailure(event, "The server cannot be reached."));
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  tellFailure(event, status === 404 ? "This is no longer there." : `The server could not answer (${status}).`);
});
// The overview waits with its news while somebody's keys walk on it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail, target } = event;
  if (target.id === "overview" && target.contains(document.activeElement)) {
    detail.shouldSwap = false;
  }
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.isError && event.target.matches?.(UPDATES_ITSELF)) {
    document.getElementById("not-updated")?.remove();
  }
});

// The fields of one kind of rule are shown, those of the other are not.
function showChosen() {
  for (const group of document.querySelectorAll("[data-shown-for]")) {
    const [name, value] = group.dataset.shownFor.split("=");
    const chosen = document.querySelector(`[name="${name}"]:checked`);
    group.hidden = chosen !== null && chosen.value !== value;
  }
}
document.addEventListener("change", showChosen);
document.addEventListener("DOMContentLoaded", () => {
  rememberTimeZone();
  showChosen();
  // The skin writes the name of a chosen file into the nearest text field, which in our forms is another one's.
  for (const field of document.querySelectorAll("input[type=file]")) {
    field.hasChangeListener = true;
  }
  for (const cell of document.querySelectorAll("#result_list td[data-label]")) {
    cell.dataset.label = cell.dataset.label.charAt(0).toUpperCase() + cell.dataset.label.slice(1);
  }
  for (const row of document.querySelectorAll("#result_list tr.data-row")) {
    row.dataset.row = "";
    row.tabIndex = -1;
  }
});
