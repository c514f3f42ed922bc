"""Names for targets and params, made from what people call a thing."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Container

_LONGEST = 40


def name_from(words: str, *, taken: Container[str], otherwise: str) -> str:
    """A name that is not taken: `E-mail address` → `e_mail_address`, then `e_mail_address_2`."""
    stem = _plain(words, "_")[:_LONGEST].strip("_") or otherwise
    if not stem[0].isalpha() or hasattr(BaseModel, stem):
        stem = f"{otherwise}_{stem}"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name


def key_from(words: str, *, otherwise: str) -> str:
    """A key: `My recording 3` → `my-recording-3`."""
    return _plain(words, "-")[:60].strip("-") or otherwise


def _plain(words: str, joint: str) -> str:
    letters = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", joint, letters).strip(joint)
