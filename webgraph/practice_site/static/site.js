// Behaviour of the practice site. Hooks are data-js attributes and element names, which both layouts share; no automation should use them.
"use strict";

const hook = (name) => document.querySelector(`[data-js="${name}"]`);

for (const button of document.querySelectorAll('[data-js="cookie-choice"]')) {
  button.addEventListener("click", () => {
    document.cookie = `cookie_choice=${button.dataset.choice}; path=/; max-age=31536000; samesite=lax`;
    hook("cookie-banner").remove();
  });
}

customElements.define("shop-note", class extends HTMLElement {
  connectedCallback() {
    const [field, button, state] = ["input", "button", "[role=status]"].map((part) => this.shadowRoot.querySelector(part));
    button.addEventListener("click", () => { state.textContent = field.value ? `Saved: ${field.value}` : "Nothing to save."; });
  }
});

hook("open-label")?.addEventListener("click", () => { window.open("/tools/label", "label", "popup,width=460,height=560"); });
hook("confirm-label")?.addEventListener("click", () => {
  window.opener?.postMessage("label-confirmed", window.location.origin);
  window.close();
});
window.addEventListener("message", (event) => {
  const state = hook("label-state");
  if (state && event.origin === window.location.origin && event.data === "label-confirmed") state.textContent = "Label confirmed.";
});

// The payout panel: review → confirm → approved (or back), painted in the page's own colours. Its text field is paint too.
const canvas = hook("payouts");
if (canvas) {
  const pen = canvas.getContext("2d");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const scenes = {
    review: { title: "Payout of 4,820.00 EUR", note: "To Fernhill Supply, main account", buttons: [["Approve payout", "confirm"]] },
    confirm: { title: "Approve this payout?", note: "It cannot be taken back.", buttons: [["Confirm", "approved"], ["Go back", "review"]] },
    approved: { title: "Payout approved", note: "The money is on its way.", buttons: [] },
  };
  let scene = "review";
  const field = { left: 40, top: 296, width: 470, height: 56, words: "", focused: false, replace: false };
  const inside = ({ left, top, width, height }, x, y) => x >= left && x <= left + width && y >= top && y <= top + height;
  const box = (position) => ({ left: 40 + position * 250, top: 200, width: 220, height: 64 });
  const paint = () => {
    pen.fillStyle = colour("--ground");
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = colour("--text");
    pen.font = `600 32px ${colour("--font")}`;
    pen.fillText(scenes[scene].title, 40, 84);
    pen.fillStyle = colour("--muted");
    pen.font = `22px ${colour("--font")}`;
    pen.fillText(scenes[scene].note, 40, 128);
    scenes[scene].buttons.forEach(([words], position) => {
      const { left, top, width, height } = box(position);
      pen.fillStyle = colour(position ? "--grey-soft" : "--accent");
      pen.beginPath();
      pen.roundRect(left, top, width, height, 10);
      pen.fill();
      pen.fillStyle = colour(position ? "--text" : "--on-accent");
      pen.font = `600 24px ${colour("--font")}`;
      pen.textAlign = "center";
      pen.fillText(words, left + width / 2, top + 41);
      pen.textAlign = "left";
    });
    if (scene === "review") paintField();
  };
  const paintField = () => {
    pen.strokeStyle = colour(field.focused ? "--accent" : "--muted");
    pen.lineWidth = 2;
    pen.strokeRect(field.left, field.top, field.width, field.height);
    pen.fillStyle = colour(field.words ? "--text" : "--muted");
    pen.font = `22px ${colour("--font")}`;
    pen.fillText(field.words || "Add a reference", field.left + 16, field.top + 36);
  };
  window.addEventListener("keydown", (event) => {
    if (!field.focused || scene !== "review") return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") field.replace = true;
    else if (event.key.length === 1) {
      field.words = (field.replace ? "" : field.words) + event.key;
      field.replace = false;
    } else return;
    event.preventDefault();
    paint();
  });
  canvas.addEventListener("click", async (event) => {
    const scale = canvas.width / canvas.clientWidth;
    const [x, y] = [event.offsetX * scale, event.offsetY * scale];
    const hit = scenes[scene].buttons.find((_, position) => inside(box(position), x, y));
    field.focused = scene === "review" && inside(field, x, y);
    if (!hit) return paint();
    if (hit[1] === "approved") {
      const answer = await fetch("/tools/payouts/approve", { method: "POST" });
      if (!answer.ok) return;
    }
    scene = hit[1];
    paint();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
}
