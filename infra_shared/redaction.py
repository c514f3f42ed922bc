"""Taking secrets out of everything that is stored or shown."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, AnyStr

from infra_shared.own_patterns import OwnPatterns
from infra_shared.secret_patterns import HEADER_VALUE_PATTERN, SENSITIVE_HEADERS, secret_pattern

MASK = "•••"
WHOLE_TOKEN_BELOW = 8
NOTES_MEMBER = "redaction-notes.txt"

_HEADERS = re.compile(HEADER_VALUE_PATTERN, re.IGNORECASE)
_HEADERS_IN_BYTES = re.compile(HEADER_VALUE_PATTERN.encode(), re.IGNORECASE)
# Searching for these literals is many times faster than the pattern, and most texts hold none of them.
_HEADER_HINT = re.compile(
    r"[Cc]ookie|[Aa]uthorization|[Xx]-[Aa][Pp][Ii]|[Cc][Ss][Rr][Ff][Tt]|-[Tt]oken|-TOKEN|COOKIE|AUTHORIZATION"
)
_HEADER_HINT_IN_BYTES = re.compile(_HEADER_HINT.pattern.encode())


class LeftOutError(Exception):
    """A member of an archive must not be passed on; the message says why, in a few words."""


class UnreadableArchiveError(ValueError):
    """The bytes are not a zip archive, so nothing can be taken out of them."""


class Redactor:
    """Replaces a set of secrets, and always the values of credential headers, by `•••`.

    A secret is found as it is, percent-encoded, JSON- and HTML-escaped, and in base64 at all three alignments. One
    shorter than `whole_token_below` characters is found only where it stands alone as a token. What matches one of
    the `patterns` (see `infra_shared.own_patterns`) goes too, though it is no secret. A redactor is true when it knows
    at least one secret.
    """

    def __init__(
        self,
        secrets: Iterable[str],
        *,
        patterns: Iterable[str] = (),
        whole_token_below: int = WHOLE_TOKEN_BELOW,
    ) -> None:
        self._known: set[str] = set()
        self._own = OwnPatterns(patterns)
        self._whole_token_below = whole_token_below
        self._pattern: re.Pattern[str] | None = None
        self._pattern_in_bytes: re.Pattern[bytes] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Know more secrets from now on."""
        # A value of nothing but mask characters is what was once shown in a secret's place.
        self._known |= {secret for secret in secrets if secret.strip(MASK)}
        pattern = secret_pattern(self._known, whole_token_below=self._whole_token_below)
        self._pattern = re.compile(pattern) if self._known else None
        self._pattern_in_bytes = re.compile(pattern.encode("utf-8", "surrogatepass")) if self._known else None

    def add_patterns(self, patterns: Iterable[str]) -> None:
        """Take out what matches these too, from now on."""
        self._own.add(patterns)

    @property
    def secrets(self) -> frozenset[str]:
        """What it knows by now."""
        return frozenset(self._known)

    def __bool__(self) -> bool:
        return bool(self._known)

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._known)} secrets>"

    def contains(self, text: str) -> bool:
        """Whether one of the secrets occurs in the text, in any of its forms."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def holds(self, data: bytes) -> bool:
        """Whether one of the secrets occurs in the bytes, in any of its forms."""
        return self._pattern_in_bytes is not None and self._pattern_in_bytes.search(data) is not None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand in the text, in order; those that overlap are one."""
        return _spans(self._pattern, text) if self._pattern is not None else []

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is not None:
            text = _blank(self._pattern, text, MASK)
        text = self._own.text(text, MASK)
        if _HEADER_HINT.search(text):
            text = _HEADERS.sub(lambda found: f"{found[found.lastgroup or 0]}{MASK}", text)
        return text

    def data(self, data: bytes) -> bytes:
        """The bytes without secrets; for text in UTF-8 or ASCII, and harmless for what is no text."""
        mask = MASK.encode()
        if self._pattern_in_bytes is not None:
            data = _blank(self._pattern_in_bytes, data, mask)
        data = self._own.data(data, mask)
        if _HEADER_HINT_IN_BYTES.search(data):
            data = _HEADERS_IN_BYTES.sub(lambda found: found[found.lastgroup or 0] + mask, data)
        return data

    def json(self, value: Any) -> Any:
        """A copy of a JSON value without secrets, keys included; the whole value of a credential header goes.

        A number that holds a secret becomes the mask. What is no JSON type is returned as it is.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return [self.json(item) for item in value]
        if isinstance(value, int | float) and self.contains(str(value)):
            return MASK
        return value

    def archive(self, data: bytes, *, clean: Callable[[str, bytes], bytes] | None = None) -> bytes:
        """A zip archive with every member redacted, archives inside it too.

        `clean` is what is made of a member, by its name and bytes, in place of `data`; it may raise LeftOutError. A
        member that cannot be read is left out, and a member `redaction-notes.txt` names it. Raises
        UnreadableArchiveError when the bytes are no zip archive at all.
        """
        try:
            source = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            msg = f"Not a readable zip archive: {error}"
            raise UnreadableArchiveError(msg) from error
        target = io.BytesIO()
        notes: list[str] = []
        with source, zipfile.ZipFile(target, "w") as rewritten:
            for member in source.infolist():
                self._copy_member(source, member, rewritten, notes, clean)
            if notes:
                rewritten.writestr(NOTES_MEMBER, "".join(f"{note}\n" for note in notes))
        return target.getvalue()

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        header = value.get("name")
        is_header_pair = isinstance(header, str) and "value" in value and header.lower() in SENSITIVE_HEADERS
        clean: dict[Any, Any] = {}
        for key, item in value.items():
            name = self.text(key) if isinstance(key, str) else key
            hide = (is_header_pair and key == "value") or (
                isinstance(key, str) and key.lower() in SENSITIVE_HEADERS
            )
            clean[name] = MASK if hide and item not in (None, "") else self.json(item)
        return clean

    def _copy_member(
        self,
        source: zipfile.ZipFile,
        member: zipfile.ZipInfo,
        target: zipfile.ZipFile,
        notes: list[str],
        clean: Callable[[str, bytes], bytes] | None,
    ) -> None:
        name = self.text(member.filename)
        try:
            body = source.read(member)
            if body.startswith(b"PK\x03\x04"):
                body = self.archive(body, clean=clean)
            else:
                body = clean(member.filename, body) if clean is not None else self.data(body)
        except LeftOutError as why:
            notes.append(f"{name}: left out ({why}).")
            return
        # Whatever a damaged member raises (also zlib.error, NotImplementedError, RuntimeError for an encrypted one),
        # bytes that could not be read must not be passed on.
        except Exception as error:  # noqa: BLE001 - see above; the member is left out and named
            notes.append(f"{name}: left out, it could not be read ({type(error).__name__}).")
            return
        info = zipfile.ZipInfo(name, member.date_time)
        info.external_attr = member.external_attr
        is_stored = member.compress_type == zipfile.ZIP_STORED
        info.compress_type = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
        target.writestr(info, body)


def _blank(pattern: re.Pattern[AnyStr], text: AnyStr, mask: AnyStr) -> AnyStr:
    """Replace every match; matches that overlap become one mask, so that no rest of a secret stays between them."""
    # Again, as taking one secret out of a word may leave a short one standing alone.
    while spans := _spans(pattern, text):
        pieces, at = [], 0
        for start, end in spans:
            pieces += [text[at:start], mask]
            at = end
        pieces.append(text[at:])
        text = text[:0].join(pieces)
    return text


def _spans(pattern: re.Pattern[AnyStr], text: AnyStr) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    found = pattern.search(text)
    while found is not None:
        start, end = found.span()
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
        found = pattern.search(text, start + 1)
    return spans
