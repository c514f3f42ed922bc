"""What a control looked like when it was last used, and whether another sighting is the same control.

A fingerprint is plain data: role, name, tag, attributes, landmark, the texts before and after it, its place, and how
many others share its role and name. `compare` decides between two sightings; `merged` keeps, over several successes,
only what stayed the same, so that what varies by nature (a link's address, a neighbouring date) stops counting.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webgraph.target import Target

Fingerprint = dict[str, Any]

# How much each feature says about which control it is, its role and name apart.
_WEIGHTS = {
    "href": 3.0,
    "before": 1.5,
    "after": 1.5,
    "test_id": 2.0,
    "id": 2.0,
    "field": 2.0,
    "landmark": 1.5,
    "type": 1.0,
    "placeholder": 1.0,
    "classes": 1.0,
    "tag": 0.5,
    "place": 0.5,
}
_BESIDE = ("before", "after")
_ANCHORS = ("id", "test_id", "field", "href")
# A name that was reworded is the same one when this much of it is left, and an anchor holds it.
_REWORDED = 0.6
_SURE = 0.6
_LIKELY = 0.5
_SURE_OF_SEVERAL = 0.75
_SET_APART = ("href", "before", "after", "id", "test_id")
_SAME_ROLES = {
    "searchbox": "textbox",
    "spinbutton": "textbox",
    "date": "textbox",
    "popupbutton": "combobox",
    "menulistpopup": "combobox",
    "comboboxmenubutton": "combobox",
    "comboboxselect": "combobox",
    "textfieldwithcombobox": "combobox",
    "menubutton": "button",
    "togglebutton": "button",
    "disclosuretriangle": "button",
    "switch": "checkbox",
}
_FAR_APART = 0.25


@dataclass(frozen=True, slots=True)
class Likeness:
    """Whether two sightings are one control: the decision, how sure (0 to 1), and what differs."""

    same: bool
    score: float
    differs: tuple[str, ...] = ()


def key_of(automation: str, stage: str, target: Target) -> str:
    """The stable key under which a target's fingerprint is kept: what people call it does not count."""
    said = target.as_json()
    said.pop("called", None)
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
    return f"{automation}/{stage}/{digest}"


def normal(text: str) -> str:
    """A name as it is compared: case, white space and closing dots do not count."""
    return " ".join(text.split()).casefold().rstrip(".…:* ")


def normal_role(role: str) -> str:
    """A role as it is compared: kinds of one control that browsers and pages name differently are one."""
    plain = role.replace(" ", "").casefold()
    return _SAME_ROLES.get(plain, plain)


def compare(known: Mapping[str, Any], seen: Mapping[str, Any]) -> Likeness:
    """Whether `seen` is the control that `known` describes, judged by what both of them say."""
    likenesses = {
        name: _alike(name, known[name], seen[name]) for name in _WEIGHTS if known.get(name) and name in seen
    }
    context = _mean(likenesses)
    differs = tuple(sorted(name for name, value in likenesses.items() if value < _LIKELY))
    if known.get("role") and "role" in seen and normal_role(known["role"]) != normal_role(seen["role"]):
        return Likeness(same=False, score=0.0, differs=("role", *differs))
    called, shown = normal(known.get("name", "")), normal(seen.get("name", ""))
    if not called:
        return Likeness(same=context >= _SURE, score=context, differs=differs)
    if called == shown:
        return _of_one_name(known, seen, likenesses, differs)
    kept = SequenceMatcher(None, called, shown).ratio()
    anchored = any(likenesses.get(name) == 1.0 for name in _ANCHORS)
    same = kept >= _REWORDED and anchored and context >= _SURE
    return Likeness(same=same, score=round(context * kept, 3), differs=("name", *differs))


def _of_one_name(
    known: Mapping[str, Any],
    seen: Mapping[str, Any],
    likenesses: Mapping[str, float],
    differs: tuple[str, ...],
) -> Likeness:
    """The decision where role and name agree: enough for a name nobody shares, then or now, else what sets it apart.

    What namesakes have in common (a class, a type, an address) says nothing about which of them it is. A text that was
    read before it and is now read after it speaks against it: that is what its neighbour sees once it has gone.
    """
    then, now = int(known.get("namesakes", 0)), int(seen.get("namesakes", 0))
    if not then and not now:
        return Likeness(same=True, score=max(_mean(likenesses), _SURE), differs=differs)
    if known.get("href_alone") and seen.get("href_alone") and "href" in likenesses:
        same = likenesses["href"] == 1.0
        return Likeness(same=same, score=likenesses["href"], differs=differs)
    apart = {name: likenesses[name] for name in _SET_APART if name in likenesses}
    if apart.get("href") == 1.0:
        del apart["href"]  # a namesake has this address, too, or had it
    score = _mean(apart)
    # To have stood in no landmark at all is a place, too.
    strange = "landmark" in known and "landmark" in seen and known["landmark"] != seen["landmark"]
    # More of them than there were: one of the new ones may stand where it stood, and only its own mark tells.
    marked = any(likenesses.get(name) == 1.0 for name in ("id", "test_id"))
    same = score >= _SURE_OF_SEVERAL and not strange and (marked or now <= then)
    return Likeness(same=same, score=0.0 if strange else score, differs=differs)


def merged(known: Mapping[str, Any] | None, seen: Mapping[str, Any]) -> Fingerprint:
    """What stayed the same over all successes so far; with nothing known, what was seen now."""
    if known is None:
        return {**seen, "successes": 1}
    kept: Fingerprint = {}
    for name, value in known.items():
        new = seen.get(name)
        if name == "box":
            kept[name] = new  # where to look for it in a picture, which is the latest success's
        elif name == "namesakes":
            kept[name] = max(value, new or 0)
        elif isinstance(value, list):
            kept[name] = _still_there(name, value, new or [])
        elif value == new:
            kept[name] = value
    kept["successes"] = int(known.get("successes", 1)) + 1
    return kept


def _still_there(name: str, value: list[Any], new: list[Any]) -> list[Any]:
    """What a list still says; a text beside it that varies leaves its place empty, so that the side stays as long."""
    if name == "place":
        return value if _alike(name, value, new) else []
    if name not in _BESIDE:
        return [item for item in value if item in new]
    kept = [text if text in new else "" for text in value]
    return kept if any(kept) else []


def _alike(name: str, known: Any, seen: Any) -> float:
    if name == "place":
        apart = [abs(one - other) for one, other in zip(known, seen, strict=False)]
        return 1.0 if apart and max(apart) < _FAR_APART else 0.0
    if name in _BESIDE:
        return _beside(known, seen)
    if isinstance(known, list):
        return len(set(known) & set(seen)) / len(set(known))
    return 1.0 if known == seen else 0.0


def _beside(known: list[str], seen: list[str]) -> float:
    """How much of what stands on one side is the same; a text more than there was counts like one that is missing."""
    told = [text for text in known if text]
    varies = len(known) - len(told)
    return sum(text in seen for text in told) / (max(len(known), len(seen)) - varies)


def _mean(likenesses: Mapping[str, float]) -> float:
    total = sum(_WEIGHTS[name] for name in likenesses)
    return (
        round(sum(_WEIGHTS[name] * value for name, value in likenesses.items()) / total, 3) if total else 0.0
    )


# A function of the page: the fingerprint of an element. Every text is cut, and no field's value is read.
SIGHT = """(() => {
  const words = (text, most = 80) => (text ?? '').replace(/\\s+/g, ' ').trim().slice(0, most);
  const ROLES = {BUTTON: 'button', TEXTAREA: 'textbox', SUMMARY: 'button', H1: 'heading', H2: 'heading',
    H3: 'heading', H4: 'heading', H5: 'heading', H6: 'heading', TABLE: 'table', IMG: 'image', OPTION: 'option'};
  const INPUTS = {button: 'button', submit: 'button', reset: 'button', image: 'button', checkbox: 'checkbox',
    radio: 'radio', range: 'slider', file: 'button'};
  // Names and roles are counted as they are compared: "Save" and "Save…" are namesakes.
  const plain = text => text.toLowerCase().replace(/[.…:* ]+$/, '');
  const KINDS = {searchbox: 'textbox', spinbutton: 'textbox', switch: 'checkbox'};
  const kind = said => KINDS[said] ?? said;
  const role = element => {
    const said = element.getAttribute('role');
    if (said) return said.split(' ')[0];
    if (element.tagName === 'A') return element.hasAttribute('href') ? 'link' : '';
    if (element.tagName === 'SELECT') return element.multiple || element.size > 1 ? 'listbox' : 'combobox';
    if (element.tagName === 'INPUT') return element.list ? 'combobox' : INPUTS[element.type] ?? 'textbox';
    return ROLES[element.tagName] ?? '';
  };
  const name = element => {
    const root = element.getRootNode();
    const by = (element.getAttribute('aria-labelledby') ?? '').split(/\\s+/).filter(Boolean)
      .map(id => root.getElementById?.(id)?.textContent).filter(Boolean).join(' ');
    if (words(by)) return words(by);
    if (words(element.getAttribute('aria-label'))) return words(element.getAttribute('aria-label'));
    if (element.matches('input, select, textarea')) {
      if (['submit', 'reset', 'button'].includes(element.type)) return words(element.value);
      const label = [...(element.labels ?? [])].map(item => {
        const copy = item.cloneNode(true);
        copy.querySelectorAll('input, select, textarea').forEach(field => field.remove());
        return copy.textContent;
      }).join(' ');
      return words(label) || words(element.title) || words(element.placeholder) || words(element.alt);
    }
    const inner = [...element.querySelectorAll('img[alt]')].map(image => image.alt).join(' ');
    return words(`${element.innerText ?? element.textContent ?? ''} ${inner}`) || words(element.title);
  };
  const where = element => {
    if (!element.hasAttribute('href')) return '';
    try {
      const to = new URL(element.getAttribute('href'), document.baseURI);
      return (to.pathname + to.search + to.hash).slice(0, 200);
    } catch { return ''; }
  };
  const landmark = element => {
    const TAGS = {NAV: 'navigation', MAIN: 'main', HEADER: 'banner', FOOTER: 'contentinfo', ASIDE: 'complementary',
      FORM: 'form', DIALOG: 'dialog', SECTION: 'region', SEARCH: 'search'};
    const ROLES = new Set([...Object.values(TAGS), 'alertdialog']);
    for (let at = element.parentElement ?? element.getRootNode().host; at;
         at = at.parentElement ?? at.getRootNode().host) {
      const kind = at.getAttribute('role') ?? TAGS[at.tagName] ?? '';
      const called = words(at.getAttribute('aria-label'));
      if (!ROLES.has(kind) || (['form', 'region'].includes(kind) && !called)) continue;
      return called ? `${kind}: ${called}` : kind;
    }
    return '';
  };
  const beside = (element, step) => {
    const texts = [];
    const walker = document.createTreeWalker(element.getRootNode(), NodeFilter.SHOW_TEXT);
    walker.currentNode = element;
    while (texts.length < 3 && walker[step]()) {
      const node = walker.currentNode, parent = node.parentElement;
      // Without a letter or digit it is drawn rather than said: a dot, a bar, an arrow.
      if (element.contains(node) || !/[\\p{L}\\p{N}]/u.test(node.data) || !parent) continue;
      if (parent.closest('script, style, template') || !parent.checkVisibility({visibilityProperty: true})) continue;
      texts.push(words(node.data, 60));
    }
    return texts;
  };
  return element => {
    const box = element.getBoundingClientRect();
    const shown = [box.x, box.y, box.width, box.height, innerWidth, innerHeight].map(Math.round);
    const page = document.documentElement;
    const mine = {role: role(element), name: name(element)};
    const to = where(element);
    const namesakes = [...element.getRootNode().querySelectorAll(
      'a[href], button, input, select, textarea, summary, [role]')].filter(other => other !== element).slice(0, 1000)
      .filter(other => kind(role(other)) === kind(mine.role) && plain(name(other)) === plain(mine.name)
        && other.checkVisibility({visibilityProperty: true}));
    return {
      ...mine,
      tag: element.tagName.toLowerCase(),
      id: element.id,
      field: element.getAttribute('name') ?? '',
      type: element.getAttribute('type') ?? '',
      href: to,
      href_alone: to !== '' && !namesakes.some(other => where(other) === to),
      placeholder: words(element.getAttribute('placeholder')),
      test_id: element.getAttribute('data-testid') ?? '',
      classes: [...element.classList].slice(0, 8),
      landmark: landmark(element),
      before: beside(element, 'previousNode'),
      after: beside(element, 'nextNode'),
      place: [(box.x + box.width / 2 + scrollX) / Math.max(page.scrollWidth, 1),
        (box.y + box.height / 2 + scrollY) / Math.max(page.scrollHeight, 1)].map(at => Math.round(at * 100) / 100),
      namesakes: namesakes.length,
      box: window === window.top ? shown : null,
    };
  };
})()"""
