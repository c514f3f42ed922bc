"""Taking what looks like a secret out of log lines, audit details and error texts.

`infra_shared.redaction` removes secrets that are known. This module is the net below it: it knows none, and goes by
the names of fields and by the shapes of keys, tokens and URLs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from infra_shared.redaction import MASK, Redactor

_headers_only = Redactor(())
_SECRET_NAME = re.compile(
    r"passw(?:or)?d|passphrase|secret|token|authorization|cookie|api_?key|private_?key|encryption_?key|otp",
    re.IGNORECASE,
)
_SECRET_SHAPES = re.compile(
    r"""
    (?P<userinfo>://[^/\s:@]*:)[^/\s]+(?=@)                                     # scheme://user:password@host
    | (?P<query>[?&;](?:[\w.-]*(?:password|passwd|secret|token|api_?key|signature|sig))=)[^&\s\#"'<>]+
    | (?P<key>\b[a-z][a-z0-9]{1,15}_[0-9A-Za-z]{8}_)[0-9A-Za-z]{40,}            # an API key of this system
    | (?P<bearer>\bbearer\ )[\w.~+/=-]{16,}
    """,
    re.IGNORECASE | re.VERBOSE,
)


def scrub_text(text: str) -> str:
    """The text without passwords in URLs, API keys, tokens and values of credential headers."""
    shaped = _SECRET_SHAPES.sub(lambda found: f"{found[found.lastgroup or 0]}{MASK}", text)
    return _headers_only.text(shaped)


def scrub(value: Any) -> Any:
    """A copy of a JSON-like value in which fields with a secret's name, and texts with a secret's shape, are masked."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, Mapping):
        return {key: _member(key, item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [scrub(item) for item in value]
    if isinstance(value, bytes | bytearray | BaseException):
        return scrub_text(repr(value))
    return value


def _member(key: Any, value: Any) -> Any:
    if isinstance(key, str) and _SECRET_NAME.search(key) and not isinstance(value, bool | None):
        return MASK
    return scrub(value)
