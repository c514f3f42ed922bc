"""What the drawing instructions of a PDF show as text, as far as its fonts leave letters as they are."""

from __future__ import annotations

import re

# A string stands in brackets, which may stand in it in pairs, or in hexadecimal. Possessive: nothing is tried twice.
_STRING = re.compile(rb"\(((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+)\)|<([0-9A-Fa-f\s]++)>", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|\r?\n|(.))", re.DOTALL)
_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def shown_by_pdf(instructions: bytes) -> bytes:
    """All strings one after the other: letters are moved by what stands between the parts of a word, as in `[(se) 20 (cret)] TJ`."""
    return b"".join(
        _unescaped(found[1]) if found[2] is None else _from_hexadecimal(found[2])
        for found in _STRING.finditer(instructions)
    )


def _unescaped(string: bytes) -> bytes:
    return _ESCAPE.sub(_meant, string) if b"\\" in string else string


def _meant(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        return bytes([int(escape[1], 8) & 0xFF])
    letter: bytes = escape[2] or b""  # the end of a line is left out
    return _SHORT.get(letter, letter)


def _from_hexadecimal(string: bytes) -> bytes:
    digits = b"".join(string.split()).decode()
    return bytes.fromhex(digits + "0" * (len(digits) % 2))
