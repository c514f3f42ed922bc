"""Which failures look alike: pure functions of a message."""

from __future__ import annotations

import hashlib
import re

LONGEST = 300
_PATTERNS = (
    (re.compile(r"\bhttps?://[^\s“”\"']+"), "<address>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b[0-9a-f]{12,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "#"),
    (re.compile(r"\s+"), " "),
)


def normalised(message: str) -> str:
    """The message without what differs from run to run: addresses, ids and numbers; at most 300 characters."""
    for pattern, stands_for in _PATTERNS:
        message = pattern.sub(stands_for, message)
    return message.strip()[:LONGEST]


def digest(normalised_message: str) -> str:
    """What a family is known by beside automation, stage and kind."""
    return hashlib.sha256(normalised_message.encode()).hexdigest()
