"""A blob as an HTTP answer whose bytes are read off the event loop, a piece at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from infra_shared.blobs.protocol import BlobEncoding
from infra_shared.http.ranges import UnsatisfiableRangeError, parse_range

if TYPE_CHECKING:
    from infra_shared.blobs.protocol import BlobReader, BlobStore, StoredBlob

_PIECE_BYTES = 256 * 1024


class BlobBody:
    """An async iterator over a reader's bytes, holding one piece at a time.

    It has a `close`, which Django's StreamingHttpResponse calls when the answer ends, also when the client went away.
    A request that is cancelled before there is an answer drops it unseen, and the reader is released with it.
    """

    def __init__(self, reader: BlobReader | None) -> None:
        self._reader = reader

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        # A thread, because a slow disk or object store must not stop every other request of this process.
        piece = await asyncio.to_thread(self._reader.read, _PIECE_BYTES) if self._reader else b""
        if not piece:
            self.close()
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        """Release the reader."""
        if self._reader is not None:
            self._reader.close()

    def __del__(self) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class BlobAnswer:
    """What to send: status, headers (without a content type, which only the artifact's kind decides), and the body."""

    status: int
    body: BlobBody
    headers: dict[str, str] = field(default_factory=dict)


async def stream_blob(
    store: BlobStore,
    blob: StoredBlob,
    *,
    range_header: str = "",
    if_range: str = "",
) -> BlobAnswer:
    """The answer for a request of a blob: 200 whole, 206 for a range, 416 for one outside the content.

    A range is honoured on blobs stored plain; compressed ones are always sent whole, as plain bytes. Raises
    BlobNotFoundError and BlobStorageError before anything is sent.
    """
    ranged = blob.encoding == BlobEncoding.PLAIN
    etag = f'"{blob.digest}"'
    headers = {
        "Accept-Ranges": "bytes" if ranged else "none",
        "ETag": etag,
        # Named, so that no middleware compresses what is counted and may be a range.
        "Content-Encoding": "identity",
    }
    wanted = None
    if ranged and if_range in ("", etag):
        try:
            wanted = parse_range(range_header, blob.size_bytes)
        except UnsatisfiableRangeError:
            headers |= {"Content-Range": f"bytes */{blob.size_bytes}", "Content-Length": "0"}
            return BlobAnswer(416, BlobBody(None), headers)
    if wanted is None:
        body = await asyncio.to_thread(lambda: BlobBody(store.open(blob)))
        return BlobAnswer(200, body, headers | {"Content-Length": str(blob.size_bytes)})
    start, length = wanted.start, wanted.length
    body = await asyncio.to_thread(lambda: BlobBody(store.open(blob, start=start, length=length)))
    headers |= {
        "Content-Range": wanted.content_range(blob.size_bytes),
        "Content-Length": str(wanted.length),
    }
    return BlobAnswer(206, body, headers)
