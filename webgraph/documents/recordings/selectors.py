"""Recorded selectors to targets. Chrome writes several for one thing: CSS, `aria/`, `text/`, `xpath/` and `pierce/`.

Each is a chain: all but its last link lead through shadow roots. CSS sees through open ones by itself here, so that a
chain of CSS becomes one selector; an XPath or a text cannot be continued and counts only alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webgraph.documents.recordings.format import RecordedStep

_ATTRIBUTE = re.compile(r"\[\s*(?P<name>role|name)\s*=\s*(?P<quote>[\"'])(?P<value>.*?)(?P=quote)\s*\]")
_TEST_ID = re.compile(r"""\[data-testid=(?P<quote>["']?)(?P<value>[^"'\]]+)(?P=quote)\]""")
_LAST_TAG = re.compile(r"(?:^|[\s>/])(?P<tag>[a-z]+)(?:[.#:\[][^\s>/]*)?$")
_ROLES = {"a": "link", "button": "button", "select": "combobox", "textarea": "textbox"}
_SECRET = re.compile(
    r"passw|passcode|passphrase|kennwort|contrase|pwd|secret|(?<![a-z])(?:pass|pin|otp|mot de passe)(?![a-z])",
    re.IGNORECASE,
)


def target_of(step: RecordedStep) -> dict[str, Any] | None:
    """The target of a step as a document writes it; None when none of its selectors can be used."""
    found: dict[str, list[str]] = {"css": [], "test_id": [], "text": [], "xpath": []}
    aria: dict[str, str] = {}
    for chain in _chains(step):
        kind, selector = _read(chain)
        if kind == "aria" and not aria:
            aria = _aria(chain[-1])
        elif kind in found and selector not in found[kind]:
            found[kind].append(selector)
    target: dict[str, Any] = {name: _short(several) for name, several in found.items() if several}
    role = aria.get("role") or _role_by_tag([*found["css"], *found["xpath"]])
    if role:
        target |= {"role": role, **aria}
    elif aria.get("name"):
        # A name without a role is what people read on it or, for a field, beside it.
        target |= {"label": aria["name"], "visible_text": aria["name"]}
    if target and len(step.frame) == 1:
        target["frame"] = f"iframe >> nth={step.frame[0]}"
    return target or None


def words_for(step: RecordedStep) -> str:
    """What people would call the thing: its accessible name, its text, or an id or name in its CSS; may be empty."""
    by_kind: dict[str, str] = {}
    for chain in _chains(step):
        kind, selector = _read(chain)
        if kind == "aria":
            selector = _aria(chain[-1]).get("name", "")
        by_kind.setdefault(kind, selector)
    spoken = by_kind.get("aria") or by_kind.get("text")
    if spoken:
        return spoken
    marks = re.findall(
        r"[#.]([A-Za-z][\w-]*)|=[\"']?([\w-]+)", by_kind.get("css") or by_kind.get("xpath", "")
    )
    return next((one or other for one, other in reversed(marks)), "")


def is_secret(step: RecordedStep) -> bool:
    """Whether what was typed there is a secret, as far as the field's name tells."""
    return any(_SECRET.search(link) for chain in _chains(step) for link in chain)


def _chains(step: RecordedStep) -> list[Sequence[str]]:
    chains = [[item] if isinstance(item, str) else item for item in step.selectors]
    # Braces would be read as a variable; another selector of the step has to do.
    return [chain for chain in chains if chain and all(link and "{{" not in link for link in chain)]


def _read(chain: Sequence[str]) -> tuple[str, str]:
    """What kind of selector a chain is, and the selector as a target takes it; ("", "") for one that cannot be used."""
    if chain[-1].startswith("aria/"):
        return "aria", chain[-1]
    if len(chain) == 1 and chain[0].startswith(("text/", "xpath/")):
        kind, _, selector = chain[0].partition("/")
        return kind, selector
    links = [link.removeprefix("pierce/") for link in chain]
    if any(link.startswith(("text/", "xpath/", "aria/")) for link in links):
        return "", ""
    css = " ".join(links)
    test_id = _TEST_ID.fullmatch(css)
    return ("test_id", test_id["value"]) if test_id else ("css", css)


def _aria(selector: str) -> dict[str, str]:
    """`aria/Sign in[role="button"]` as name and role."""
    words = selector.removeprefix("aria/")
    attributes = {match["name"]: match["value"] for match in _ATTRIBUTE.finditer(words)}
    name = attributes.get("name") or _ATTRIBUTE.sub("", words).strip()
    found = {"role": attributes.get("role", ""), "name": name.replace("\\", "")}
    return {key: value for key, value in found.items() if value}


def _role_by_tag(selectors: list[str]) -> str | None:
    """The role of the element that a selector ends with, where its tag alone decides it."""
    tags = (match["tag"] for selector in selectors if (match := _LAST_TAG.search(selector)))
    return next((_ROLES[tag] for tag in tags if tag in _ROLES), None)


def _short(several: list[str]) -> str | list[str]:
    return several[0] if len(several) == 1 else several
