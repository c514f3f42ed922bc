"""Regular expressions that find a secret in the forms in which pages, URLs, logs and archives carry it.

Every pattern is built as text and holds no character outside ASCII in a character class, so that encoding it as
UTF-8 gives the same pattern for bytes.
"""

from __future__ import annotations

import base64
import re
from html.entities import codepoint2name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORT_JSON_ESCAPES = {'"': '"', "/": "/", "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


IN_BASE64_FROM = 6
"""From so many characters on a secret is hunted inside longer base64 texts: fewer decide too few letters of one."""
_MOST_HUNTED_ALONE = 3

# A letter that ends an escape (`%3D`, `\n`, `\u003d`) belongs to what stands before the token.
_BEGINS_ALONE = r"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))"
_ENDS_ALONE = r"(?![0-9A-Za-z])"


def secret_pattern(secrets: Iterable[str], *, whole_token_below: int) -> str:
    """One alternation that finds each of the secrets in any of its forms, the longest secret first.

    Secrets shorter than `whole_token_below` characters are found only where they stand alone: "42" or "abc" occurs
    inside so many innocent words and numbers that hunting it there would destroy the evidence and protect nobody.
    """
    branches: list[str] = []
    for secret in sorted(set(secrets), key=lambda item: (-len(item), item)):
        written = "".join(_character(character) for character in secret)
        is_short = len(secret) < whole_token_below
        branches.append(_alone(secret, written) if is_short else written)
        if len(secret) >= min(whole_token_below, IN_BASE64_FROM):
            branches += _base64_forms(secret)
        elif len(secret) >= _MOST_HUNTED_ALONE:
            branches.append(_base64_alone(secret))
    return "|".join(branches)


def _alone(secret: str, written: str) -> str:
    """The secret as a token: an end of it that is no letter or digit is a border by itself."""
    strict = len(secret) <= _MOST_HUNTED_ALONE
    begins = _BEGINS_ALONE if strict or _is_word(secret[0]) else ""
    return f"{begins}{written}{_ENDS_ALONE if strict or _is_word(secret[-1]) else ''}"


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _base64_alone(secret: str) -> str:
    text = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=")
    written = "".join(_BASE64_SPECIAL.get(character, character) for character in text)
    return rf"(?<![0-9A-Za-z+/]){written}(?![0-9A-Za-z+/])"


def _character(character: str) -> str:
    """A pattern for one character: as it is, percent-, JSON- or HTML-escaped, also several times over.

    Letters and digits of ASCII are escaped by no encoder, so they stay literal; this also keeps the scan fast.
    """
    if character.isascii() and character.isalnum():
        return character
    forms = [_percent(character), *_html(character), *_json(character), re.escape(character)]
    if character == " ":
        forms.append(r"\+")  # application/x-www-form-urlencoded
    if character == "\n":
        forms.append("\r\n")
    return f"(?:{'|'.join(forms)})"


def _percent(character: str) -> str:
    encoded = character.encode("utf-8", "surrogatepass")
    return "".join(f"%(?:25){{0,3}}{_any_case(f'{byte:02x}')}" for byte in encoded)


def _html(character: str) -> list[str]:
    code = ord(character)
    bodies = [rf"\#0*{code}", rf"\#[xX]0*{_any_case(f'{code:x}')}"]
    if code in codepoint2name:
        bodies.append(codepoint2name[code])
    if character == "'":
        bodies.append("apos")
    return [f"&(?:amp;){{0,3}}{body};" for body in bodies]


def _json(character: str) -> list[str]:
    units = character.encode("utf-16-be", "surrogatepass")
    pairs = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    forms = ["".join(rf"\\{{1,4}}u{_any_case(pair)}" for pair in pairs)]
    if character in _SHORT_JSON_ESCAPES:
        forms.append(rf"\\{{1,4}}{_SHORT_JSON_ESCAPES[character]}")
    if character == "\\":
        forms.append(r"\\{2,4}")
    return forms


def _base64_forms(secret: str) -> list[str]:
    """The part of a base64 text that the secret alone decides, for its three positions in a group of three bytes."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = []
    for offset, undecided in ((0, 0), (1, 2), (2, 3)):
        decided = (offset + len(raw)) * 8 // 6
        text = base64.b64encode(b"\0" * offset + raw).decode("ascii")[undecided:decided]
        forms.append("".join(_BASE64_SPECIAL.get(character, character) for character in text))
    return forms


def _any_case(text: str) -> str:
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in text)


# Both alphabets of RFC 4648, percent-encoded, and with the slash as some JSON encoders write it.
_BASE64_SPECIAL = {"+": r"(?:[-+]|%2[bB])", "/": r"(?:[/_]|%2[fF]|\\/)"}

SENSITIVE_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        # What sites made of one page send in place of a cookie.
        "x-access-token",
        "x-auth-token",
        "x-csrf-token",
        "x-csrftoken",
        "x-session-token",
        "x-xsrf-token",
    }
)
_NAMES = "|".join(sorted(SENSITIVE_HEADERS))
_JSON_STRING_BODY = r'[^"\\]*(?:\\.[^"\\]*)*'

HEADER_VALUE_PATTERN = "|".join(
    (
        # A header on a line of its own (HTTP, curl -v): its value is the rest of the line.
        rf"(?m:^)(?P<line>[<>*\t ]{{0,4}}(?:{_NAMES})[\t ]*:[\t ]*)[^\r\n]+",
        # A JSON member: "cookie": "..."
        rf'(?P<member>"(?:{_NAMES})"\s*:\s*"){_JSON_STRING_BODY}(?=")',
        # A name and a value as HAR and traces write them: {"name": "Cookie", "value": "..."}
        rf'(?P<pair>"name"\s*:\s*"(?:{_NAMES})"\s*,\s*"value"\s*:\s*"){_JSON_STRING_BODY}(?=")',
        # In the middle of a line (a shell command, a script): only what looks like credentials, not prose.
        (
            r"(?P<scheme>authorization\\?[\"']?\s*[:=]\s*\\?[\"'`]?"
            r"(?:bearer|basic|digest|token|negotiate|apikey)[\t ]+)[^\s\"'`\\<>]+"
        ),
        (
            r"(?P<jar>cookie\\?[\"']?[\t ]*:[\t ]*\\?[\"'`]?)"
            r"[\w!#$%&*+.^|~-]+=[^\s;\"'`\\<>]+(?:;[\t ]*[^\s;\"'`\\<>]+)*"
        ),
    )
)
"""Finds the values of headers that carry credentials; exactly one named group holds what stands before the value."""
