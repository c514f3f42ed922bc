"""What one setting of the environment is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config import env_rules as rules

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment.

    `kind` is str, bool, int, list or path; `complaint` says what is wrong with a value that was set, "" for nothing.
    """

    name: str
    kind: str
    default: Any
    purpose: str
    complaint: Callable[[Any], str] = rules.anything
