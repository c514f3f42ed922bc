"""Which pictures of a page are covered: those of sites into which a secret was typed, as they may show it as paint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infra_shared.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

# Up to where an address ends in HTML, in a style sheet, and in JSON.
_PICTURE_IN_TEXT = re.compile(r"data:(?:image|video|audio)/[^\s\"'()<>\\]+", re.IGNORECASE)
_NO_PICTURE = "data:,"


class CoveredMedia:
    """The origins whose canvas, video and images are covered, and since when; none before the first secret."""

    def __init__(self, *, wanted: bool = True) -> None:
        """With `wanted` False nothing is ever covered: the automation has said that its pictures show no secret."""
        self._wanted = wanted
        self._origins: set[str] = set()
        self.since: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self._origins)

    def add(self, urls: Iterable[str]) -> None:
        """Cover what documents with these addresses show, from now on."""
        if self._wanted:
            self._origins |= {origin_of_document(url) for url in urls} - {""}
            if self._origins and self.since is None:
                self.since = utc_now()

    def covers(self, url: str) -> bool:
        """Whether what a document, or a file, of this address shows is covered; one without a site of its own is."""
        return bool(self._origins) and origin_of_document(url) in self._origins | {""}

    def covers_file(self, url: str) -> bool:
        """Whether a picture of this address is covered on a page of any site; one written into the page is the page's."""
        origin = origin_of_document(url)
        return bool(origin) and origin in self._origins

    def without_pictures(self, text: str) -> str:
        """A document or a snapshot without the pictures that are written into it."""
        return _PICTURE_IN_TEXT.sub(_NO_PICTURE, text) if self else text


def origin_of_document(url: str) -> str:
    """Scheme, host and port; empty for about:, data: and blob: documents, whose site is that of who made them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower() if parts.netloc else ""
