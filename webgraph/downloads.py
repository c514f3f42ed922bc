"""Breaks off what a page lets the browser download, while it comes, when it is too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Download, Page

    from webgraph.bounds import Bounds
    from webgraph.errors import LimitError


class Downloads:
    """The downloads of one window, whether a step asked for them or not.

    A file is judged by the length it is announced with, and by what came of it so far: either may be a lie.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._urls: dict[str, str] = {}
        self._received: dict[str, int] = {}
        self._known: list[Download] = []
        self._refused: dict[str, LimitError] = {}
        self._cancelling: set[asyncio.Task[None]] = set()

    async def watch(self, page: Page, session: CDPSession) -> None:
        """Listen to a window from now on."""
        page.on("download", self._on_download)
        session.on("Page.downloadWillBegin", self._on_begin)
        session.on("Page.downloadProgress", self._on_progress)
        await session.send("Page.enable")

    def refusal(self, download: Download) -> LimitError | None:
        """Why a download was broken off here; None when it was not."""
        return self._refused.get(download.url)

    def _on_download(self, download: Download) -> None:
        self._known.append(download)
        if download.url in self._refused:
            self._cancel(download)

    def _on_begin(self, event: dict[str, Any]) -> None:
        self._urls[event["guid"]] = event["url"]

    def _on_progress(self, event: dict[str, Any]) -> None:
        guid, received = event["guid"], int(event["receivedBytes"])
        if event["state"] == "canceled":
            return
        self._received[guid] = max(received, self._received.get(guid, 0))
        limits = self._bounds.limits
        if sum(self._received.values()) > limits.traffic_bytes:  # a page can make files without any network
            self._bounds.exceeded(limits.traffic())
            self._refuse(guid, limits.traffic())
        elif max(received, int(event["totalBytes"])) > limits.download_bytes:
            self._refuse(guid, limits.download())

    def _refuse(self, guid: str, why: LimitError) -> None:
        url = self._urls.get(guid, "")
        if url in self._refused:
            return
        self._refused[url] = why
        self._bounds.tell(str(why))
        for download in self._known:
            if download.url == url:
                self._cancel(download)

    def _cancel(self, download: Download) -> None:
        task = asyncio.ensure_future(_cancel(download))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)


async def _cancel(download: Download) -> None:
    try:
        await download.cancel()
    except PlaywrightError:
        return  # its window is gone, and the file with its context
