"""Notices a secret that is entered one character at a time, over several steps: into a box for each, or key by key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webgraph.evidence.scrub import Scrub

_TELLING = 3
"""From so many characters on what was entered is taken for the beginning of a secret and no longer for chance."""
_KEY = re.compile(r"(?:Shift\+)?(?:Key|Digit|Numpad)?(\S)")
_NAMED = {"Space": " "}


@dataclass(frozen=True, slots=True)
class Spelt:
    """What the latest characters may be: `begun` when some secret begins so, `secrets` once it is hardly chance."""

    begun: bool = False
    secrets: tuple[str, ...] = ()


class Keystrokes:
    """The characters that were entered one by one, as far as they may belong to a secret of the attempt."""

    def __init__(self, scrub: Scrub) -> None:
        self._scrub = scrub
        self._entered = ""

    def entered(self, text: str) -> Spelt:
        """What is known after one more text was entered; a longer one than a character ends what was spelt."""
        if len(text) != 1:
            self._entered = ""
            return Spelt()
        known = [(secret.casefold(), secret) for secret in self._scrub.values]
        longest = max((len(secret) for secret, _ in known), default=0)
        self._entered = (self._entered + text.casefold())[-longest:] if longest else ""
        for start in range(len(self._entered)):
            part = self._entered[start:]
            begun = [(folded, secret) for folded, secret in known if folded.startswith(part)]
            if begun:
                told = (secret for folded, secret in begun if len(part) >= _TELLING or folded == part)
                return Spelt(begun=True, secrets=tuple(told))
        return Spelt()

    def pressed(self, key: str) -> Spelt:
        """The same for a key in Playwright's words; one that types no character changes nothing."""
        typed = _KEY.fullmatch(key)
        character = typed[1] if typed else _NAMED.get(key, "")
        return self.entered(character) if character else Spelt()
