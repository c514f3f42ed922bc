"""Takes pictures and texts of a page, without secrets."""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from webgraph.evidence.document import html_of
from webgraph.evidence.masking import Hidden, Layout, black_out
from webgraph.evidence.media import CoveredMedia
from webgraph.limits import Limits
from webgraph.quiet import command, quietly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from webgraph.evidence.scrub import Scrub
    from webgraph.surface import Surface

_JPEG_QUALITY = 60
# More than the longest secret takes.
_HALF_SECRET_BYTES = 64 * 1024


class Camera:
    """Pictures are plain until a secret was typed; from then on each is searched and masked."""

    def __init__(self, scrub: Scrub, *, cover_media: bool = True) -> None:
        """`cover_media` says whether the pictures that pages show are covered, too, where a secret was typed."""
        self._scrub = scrub
        self.masks = False
        self.limits = Limits()
        self.media = CoveredMedia(wanted=cover_media)

    def secret_was_typed(self, urls: Iterable[str]) -> None:
        """From here on pictures are masked; documents of these addresses know a secret."""
        self.masks = True
        self.media.add(urls)

    def holds_secret(self, text: str) -> bool:
        """Whether a text holds a secret, so that nobody who is shown pictures may be told it."""
        return self._scrub.holds_secret(text)

    async def jpeg(self, surface: Surface) -> bytes:
        """The visible area, small."""
        if self.masks:
            return await surface.unless_crashed(partial(self._masked, surface, full_quality=False))
        return await surface.unless_crashed(partial(_quick_jpeg, surface))

    async def png(self, surface: Surface) -> bytes:
        """The visible area, exact."""
        if self.masks:
            return await surface.unless_crashed(partial(self._masked, surface, full_quality=True))
        return await surface.unless_crashed(partial(_png, surface))

    async def html(self, surface: Surface) -> bytes:
        """The document as it is now."""
        html, length = await surface.unless_crashed(partial(html_of, surface, self.limits.html_bytes))
        clean = self._scrub.html(self.media.without_pictures(html))
        return self._cut(surface, clean, "<!-- {} -->", length)

    async def accessibility_tree(self, surface: Surface) -> bytes:
        """The page as assistive technology reads it (YAML)."""
        ask = surface.page.locator("body").aria_snapshot
        tree = await surface.unless_crashed(partial(quietly, surface.page, ask))
        most = self.limits.html_bytes
        return self._cut(surface, self._scrub.tree(tree[:most]), "# {}", len(tree))

    def _cut(self, surface: Surface, clean: bytes, note: str, length: int) -> bytes:
        """The text; where it was cut, without its last part, which may be half a secret, and with a note."""
        if length <= self.limits.html_bytes:
            return clean
        words = self.limits.document_cut(length)
        surface.bounds.tell(words)
        kept = clean[:-_HALF_SECRET_BYTES].decode("utf-8", "ignore")
        return f"{kept}\n{note.format(words)}\n".encode()

    async def _masked(self, surface: Surface, *, full_quality: bool) -> bytes:
        before = await Layout.take(surface)
        plain = await _png(surface) if full_quality else await _quick_jpeg(surface)
        after = await Layout.take(surface)
        hidden = Hidden(tuple(self._scrub.values), self._scrub.holds_secret, self.media)
        return await asyncio.to_thread(black_out, plain, (before, after), hidden)


async def _png(surface: Surface) -> bytes:
    if surface.ended is not None:  # its scripts are stopped, and nothing on it can be waited for
        answer = await command(surface.page, surface.session, "Page.captureScreenshot", {"format": "png"})
        return base64.b64decode(answer["data"])
    return await surface.page.screenshot(type="png")


async def _quick_jpeg(surface: Surface) -> bytes:
    """The browser's own capture, a third quicker; now and then it fails just after a navigation."""
    options = {"format": "jpeg", "quality": _JPEG_QUALITY, "optimizeForSpeed": True}
    try:
        answer = await command(surface.page, surface.session, "Page.captureScreenshot", options)
    except PlaywrightError:
        return await surface.page.screenshot(type="jpeg", quality=_JPEG_QUALITY)
    return base64.b64decode(answer["data"])
