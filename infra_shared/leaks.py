"""Hunting secrets in bytes that are about to be stored: as they are, and inside archives and compressed streams."""

from __future__ import annotations

import quopri
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra_shared.containers import MOST_UNPACKED_BYTES, Budget, UnsearchableError, unpacked
from infra_shared.markup import visible_text
from infra_shared.redaction import WHOLE_TOKEN_BELOW
from infra_shared.secret_patterns import secret_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.redaction import Redactor

_PIECE_BYTES = 1024 * 1024
# How much longer than itself a secret is written at most: each byte as `%25252525xx`.
_LONGEST_FORM = 16
_LOOKED_AT_BYTES = 8 * 1024
# In bytes that are no text, fewer characters stand everywhere by chance.
_LEAST_IN_BINARY = 4
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# As mails carry files: base64 in lines, or quoted-printable. The end of a line comes first, which is found quickly.
_LINES_OF_BASE64 = re.compile(rb"\n(?=[0-9A-Za-z+/])(?:(?<=[0-9A-Za-z+/]{40}\n)|(?<=[0-9A-Za-z+/]{40}\r\n))")
_BREAK_IN_BASE64 = re.compile(rb"(?<=[0-9A-Za-z+/])\r?\n[ \t]*(?=[0-9A-Za-z+/=])")
_QUOTED = (b"=\n", b"=\r\n", b"uoted-printable", b"uoted-Printable", b"QUOTED-PRINTABLE")


@dataclass(frozen=True, slots=True)
class Leak:
    """Why bytes must not be stored as they are; `reason` is one sentence without secrets."""

    reason: str


class LeakScan:
    """Finds the secrets a redactor knows, those it learns later too, in bytes of any kind.

    Beyond the forms that a redactor takes out it knows UTF-16 and UTF-32, what markup or the lines of a mail cut in two, and the
    members of archives in archives. It holds the interpreter for a piece at a time, so that other threads go on meanwhile.
    """

    def __init__(self, redactor: Redactor, *, most_unpacked_bytes: int = MOST_UNPACKED_BYTES) -> None:
        self._redactor = redactor
        self._most_unpacked_bytes = most_unpacked_bytes
        self._hunted = _Hunted(frozenset())

    def leak_in(self, body: bytes, *, name: str = "") -> Leak | None:
        """The first secret found in the bytes or in the name they are kept under; None when there is none.

        What cannot be searched to its end, such as an encrypted archive, counts as a leak: nobody can say it has none.
        """
        secrets = self._redactor.secrets
        if not secrets:
            return None
        if secrets != self._hunted.secrets:
            self._hunted = _Hunted(secrets)
        if self._redactor.contains(name):
            return Leak("Its name holds a secret of its run.")
        try:
            found = self._search(body, Budget(self._most_unpacked_bytes), ())
        except UnsearchableError as error:
            return Leak(
                f"It could not be searched for the secrets of its run: {self._redactor.text(str(error))}"
            )
        if found is None:
            return None
        where = " in ".join(f"“{self._redactor.text(part)}”" for part in reversed(found))
        return Leak(f"It holds a secret of its run{f', in {where}' if where else ''}.")

    def _search(self, body: bytes, budget: Budget, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """The names of the containers down to where a secret is; None when there is none."""
        if self._hunted.occurs_in(body):
            return path
        for name, inner in unpacked(body, budget):
            if self._hunted.occurs_in(name.encode("utf-8", "surrogateescape")):
                return (*path, "a member's name")
            found = self._search(inner, budget.deeper(), (*path, name))
            if found is not None:
                return found
        return None


class _Hunted:
    """The forms of a set of secrets, ready to be searched for."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self.secrets = secrets
        self._in_text = _compiled(secrets)
        self._in_binary = _compiled({secret for secret in secrets if len(secret) >= _LEAST_IN_BINARY})
        self._wide = [
            secret.encode(encoding, "surrogatepass")
            for secret in secrets
            if len(secret) >= _LEAST_IN_BINARY
            for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
        ]
        longest = max((len(secret.encode("utf-8", "surrogatepass")) for secret in secrets), default=0)
        self._overlap = longest * _LONGEST_FORM + 16

    def occurs_in(self, body: bytes) -> bool:
        """Whether one of them stands in the bytes, packed ones apart."""
        is_text = b"\0" not in body[:_LOOKED_AT_BYTES]
        pattern = self._in_text if is_text else self._in_binary
        if pattern is not None and any(pattern.search(piece) for piece in self._pieces(body)):
            return True
        if b"\0" in body and any(wide in body for wide in self._wide):
            return True
        if pattern is None:
            return False
        encoding = _MARKS.get(body[:2])
        if encoding is not None and self._is_in(body[2:].decode(encoding, "replace").encode()):
            return True
        return is_text and (_is_cut_by_markup(body, pattern) or _is_cut_by_lines(body, pattern))

    def _is_in(self, text: bytes) -> bool:
        return self._in_text is not None and self._in_text.search(text) is not None

    def _pieces(self, body: bytes) -> Iterator[bytes]:
        if len(body) <= _PIECE_BYTES + self._overlap:
            yield body
            return
        for at in range(0, len(body), _PIECE_BYTES):
            # A byte before it, so that a token does not seem to begin where only the piece does.
            yield body[max(0, at - 8) : at + _PIECE_BYTES + self._overlap]


def _compiled(secrets: frozenset[str] | set[str]) -> re.Pattern[bytes] | None:
    if not secrets:
        return None
    pattern = secret_pattern(secrets, whole_token_below=WHOLE_TOKEN_BELOW)
    return re.compile(pattern.encode("utf-8", "surrogatepass"))


def _is_cut_by_markup(body: bytes, pattern: re.Pattern[bytes]) -> bool:
    """Whether an HTML or XML document (the parts of office files are such) shows a secret across its tags."""
    if not body[:_LOOKED_AT_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return False
    shown = visible_text(body.decode("utf-8", "replace"))
    return pattern.search(shown.encode()) is not None


def _is_cut_by_lines(body: bytes, pattern: re.Pattern[bytes]) -> bool:
    """Whether a secret stands in what a mail carries, across the ends of its lines."""
    if _LINES_OF_BASE64.search(body) and pattern.search(_BREAK_IN_BASE64.sub(b"", body)):
        return True
    is_quoted = any(mark in body for mark in _QUOTED)
    return is_quoted and pattern.search(quopri.decodestring(body)) is not None
