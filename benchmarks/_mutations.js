// Changes a page as a release of its vendor might, from a seed. Runs in the page; `target` is the element under test.
(target, kind, seed) => {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const pick = (list) => list[Math.floor(random() * list.length)];
  const word = () => "m" + Math.floor(random() * 0xffffffff).toString(36);
  const named = new Map();
  const renamed = (name) => named.get(name) ?? named.set(name, word()).get(name);
  const rename = (root) => {
    for (const element of [root, ...root.querySelectorAll("*")]) {
      if (element.id) element.id = renamed(element.id);
      for (const name of ["for", "name", "list", "data-testid", "aria-labelledby", "aria-describedby", "aria-controls"]) {
        const value = element.getAttribute(name);
        if (value) element.setAttribute(name, value.split(" ").map(renamed).join(" "));
      }
      if (element.classList.length) element.className = [...element.classList].map(renamed).join(" ");
    }
  };
  const wrap = (element) => {
    const wrapper = document.createElement(pick(["div", "span"]));
    wrapper.className = word();
    element.replaceWith(wrapper);
    wrapper.append(element);
  };
  const plain = (element) => !["TR", "TD", "TH", "TBODY", "THEAD", "OPTION", "LI", "DT", "DD"].includes(element.tagName);
  const places = () => [...document.body.querySelectorAll("div, section, form, nav, main, header, footer, p")]
    .filter((place) => !target.contains(place) && place.checkVisibility());
  const texts = (element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), found = [];
    while (walker.nextNode()) if (walker.currentNode.data.trim()) found.push(walker.currentNode);
    return found;
  };
  const reword = (element) => {
    const change = (text) => pick([`${text.trim()} now`, `${text.trim()} (new)`, `My ${text.trim()}`]);
    const spoken = ["aria-label", "value", "placeholder", "title"].find((name) => element.getAttribute(name));
    const label = element.labels?.[0];
    const text = texts(label ?? element)[0];
    if (text) text.data = change(text.data);
    else if (spoken) element.setAttribute(spoken, change(element.getAttribute(spoken)));
  };
  const decoy = (same) => {
    const copy = target.cloneNode(true);
    // It takes over what selectors go by, as a copied template does; the real one keeps its words and its place.
    const text = texts(copy)[0];
    if (!same && text) text.data = pick(["Archive", "Delete everything", "Subscribe", "Log out"]);
    for (const name of same || text ? [] : ["aria-label", "value", "placeholder", "title"]) {
      if (copy.getAttribute(name)) copy.setAttribute(name, "Subscribe");
    }
    if (!same) {
      copy.removeAttribute("aria-label");
      copy.removeAttribute("title");
      if (copy.hasAttribute("href")) copy.setAttribute("href", "/" + word());
      if (copy.value && copy.type === "submit") copy.value = "Subscribe";
      if (copy.matches("input, select, textarea")) copy.setAttribute("aria-label", "Subscribe");
      // A label goes with the id: who takes that takes the name.
      (target.labels?.length ? copy : target).removeAttribute("id");
      if (random() < 0.5) target.removeAttribute("class");
    }
    if (same && target.labels?.length) {
      copy.removeAttribute("id");
      copy.setAttribute("aria-label", target.labels[0].textContent.trim());
    }
    const near = random() < 0.5;
    near ? target.before(copy) : pick(places()).prepend(copy);
  };
  const changes = {
    renamed: () => rename(document.body),
    wrapped: () => {
      wrap(target);
      for (const element of [...document.body.querySelectorAll("*")].filter(plain)) if (random() < 0.1) wrap(element);
    },
    reordered: () => {
      for (const parent of [target.parentElement, ...[...document.body.querySelectorAll("*")].filter(() => random() < 0.2)]) {
        const children = [...parent.children];
        if (children.length < 2 || ["SELECT", "HTML", "TR"].includes(parent.tagName)) continue;
        for (const child of children.sort(() => random() - 0.5)) parent.append(child);
      }
    },
    reworded: () => reword(target),
    moved: () => {
      const label = target.labels?.[0];
      const block = label && !label.contains(target) ? [label, target] : [label ?? target];
      pick(places()).append(...block);
    },
    "renamed and moved": () => { rename(document.body); changes.moved(); },
    "renamed and wrapped": () => { rename(document.body); changes.wrapped(); },
    removed: () => {
      for (const label of target.labels ?? []) if (!label.contains(target)) label.remove();
      target.remove();
    },
    "removed and renamed": () => { changes.removed(); rename(document.body); },
    decoy: () => decoy(false),
    twin: () => { decoy(true); rename(document.body); },
  };
  changes[kind]();
}
