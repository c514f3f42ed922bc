// Forms are sent once, and lose nothing of what was typed when the sign-in has run out meanwhile.

const SENT_FOR_MS = 20_000;
const FRESH_FOR_MS = 5 * 60_000;
const UNREACHABLE = "The server cannot be reached. What you typed stays here: press the button again in a moment.";
const SIGNED_OUT = "You are signed out. What you typed stays here: sign in again in another tab, then press the button once more. ";

// When this page was last known to belong to who is signed in.
let knownAt = Date.now();

function tell(form, words, link) {
  const notice = document.getElementById("form-notice") ?? document.createElement("p");
  notice.id = "form-notice";
  notice.className = "c-notice c-notice-bad";
  notice.setAttribute("role", "alert");
  notice.replaceChildren(words, ...(link ? [link] : []));
  form.before(notice);
  notice.scrollIntoView({ block: "center" });
}

function tellSignedOut(form) {
  const link = document.createElement("a");
  link.href = "/admin/";
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = "Sign in in a new tab";
  tell(form, SIGNED_OUT, link);
}

// The page as the server gives it now; null where it gives the sign-in in its place.
async function pageOfNow() {
  const answer = await fetch(window.location.href);
  const isHere = new URL(answer.url).pathname === window.location.pathname;
  return isHere ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
}

// A form that lay open for long: its sign-in may be over, or be another one that does not know the form's token.
async function sendIfSignedIn(form, submitter) {
  let page;
  try {
    page = await pageOfNow();
  } catch (error) {
    console.info("The page could not be asked for.", error.message);
    tell(form, UNREACHABLE);
    return;
  } finally {
    form.removeAttribute("aria-busy");
  }
  if (page === null) {
    tellSignedOut(form);
    return;
  }
  const token = page.querySelector("[name=csrfmiddlewaretoken]");
  if (token) {
    form.elements.csrfmiddlewaretoken.value = token.value;
  }
  knownAt = Date.now();
  form.requestSubmit(submitter);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method")?.toLowerCase() !== "post" || event.defaultPrevented) {
    return;
  }
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault(); // a second press would do the same again: start another run, issue another key
    return;
  }
  form.setAttribute("aria-busy", "true");
  window.setTimeout(() => form.removeAttribute("aria-busy"), SENT_FOR_MS);
  if (Date.now() - knownAt > FRESH_FOR_MS && form.closest("#content")) {
    event.preventDefault();
    sendIfSignedIn(form, event.submitter);
  }
});

// Back on a page that the browser had kept: its forms may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) {
    form.removeAttribute("aria-busy");
  }
});

// The server's word for a form that updates a part of its page, such as a preview, when nobody is signed in any more.
document.addEventListener("signed-out", (event) => {
  knownAt = 0;
  const form = event.target.closest("form");
  if (form) {
    tellSignedOut(form);
  }
});

// What is wrong comes first, also for who does not see it.
document.addEventListener("DOMContentLoaded", () => {
  const wrong = document.querySelector(".has-errors :is(input, select, textarea):not([type=hidden])");
  if (wrong) {
    wrong.closest("details")?.setAttribute("open", "");
    wrong.focus();
  }
});
