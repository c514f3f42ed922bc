"""Files that go into a page and come out of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to put into a page's file input."""

    name: str
    body: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file a page gave; it is kept as evidence, and its bytes are at hand for the automation."""

    name: str
    size_bytes: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What opening an address led to. `status` is None when the browser answered by itself (same-document moves)."""

    status: int | None
    final_url: str
    title: str
