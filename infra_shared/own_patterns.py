"""Regular expressions an automation declares for what must not be kept, such as card numbers.

They run over hostile pages, so RE2 runs them: its time grows with the length of the text whatever the pattern, which
it pays for by knowing neither look-around nor back references.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import re2

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_PATTERN = 500
MOST_PATTERNS = 20
_MOST_PROGRAM_BYTES = 1024 * 1024
# Control characters that no text has: pictures, fonts and archives are full of them.
_NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1a]")


def problem_of(pattern: str) -> str:
    """Why a pattern cannot be used, in a sentence; empty when it can."""
    if len(pattern) > LONGEST_PATTERN:
        return f"The pattern “{pattern[:40]}…” has {len(pattern)} characters; up to {LONGEST_PATTERN} are allowed."
    try:
        compiled = _compiled(pattern)
    except re2.error as error:
        return (
            f"The pattern “{pattern}” is not one RE2 knows ({_words(error)}); "
            "look-around and back references are not available."
        )
    if compiled.search("") is not None:
        return f"The pattern “{pattern}” also matches nothing at all; write it so that it needs a character."
    return ""


class OwnPatterns:
    """Takes out what any of its patterns matches. Raises ValueError for a pattern that `problem_of` refuses."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._compiled: dict[str, Any] = {}
        self.add(patterns)

    def add(self, patterns: Iterable[str]) -> None:
        """Know more patterns from now on."""
        for pattern in patterns:
            if pattern in self._compiled:
                continue
            if problem := problem_of(pattern):
                raise ValueError(problem)
            self._compiled[pattern] = _compiled(pattern)

    def text(self, text: str, mask: str) -> str:
        """The text with every match replaced by the mask."""
        if not self._compiled:
            return text
        # RE2 works on UTF-8, which has no place for half a surrogate pair.
        plain = text.encode("utf-8", "replace").decode() if not text.isascii() else text
        for compiled in self._compiled.values():
            plain = compiled.sub(lambda _: mask, plain)
        return plain

    def data(self, data: bytes, mask: bytes) -> bytes:
        """The bytes with every match replaced by the mask; what is no text is left as it is.

        Text of another encoding than UTF-8 is read as one byte for each character, which finds what is written in ASCII.
        """
        if not self._compiled:
            return data
        try:
            return self.text(data.decode(), mask.decode()).encode()
        except UnicodeDecodeError:
            if _NO_TEXT.search(data):
                return data
        return self.text(data.decode("latin-1"), mask.decode("latin-1")).encode("latin-1")


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _MOST_PROGRAM_BYTES
    options.log_errors = False
    return re2.compile(pattern, options)


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
