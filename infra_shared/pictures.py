"""Pictures for mails: who can show what something was seen in says so here; who writes a mail asks here.

A reference is an opaque string to this package. The app that gives references to alerts registers who reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_sources: list[Callable[[str], bytes | None]] = []


def show_by(source: Callable[[str], bytes | None]) -> None:
    """Ask this from now on, instead of any earlier one; it returns a small JPEG, or None where there is none to show."""
    _sources[:] = [source]


def picture_of(reference: str) -> bytes | None:
    """A small JPEG of what the reference names; None when there is none, or nobody who could show it."""
    return _sources[0](reference) if reference and _sources else None
