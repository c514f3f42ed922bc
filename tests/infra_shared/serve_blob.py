"""A server for one blob, as a program: `python -m tests.infra_shared.serve_blob FOLDER DIGEST SIZE`.

Prints its port; answers /memory with the peak of its resident memory in bytes, everything else with the blob.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn

from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.blobs.protocol import BlobInfo
from infra_shared.http.blob_stream import stream_blob


async def _answer(send, status: int, headers: dict[str, str], body: bytes = b"") -> None:
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body, "more_body": not headers.get("done")})


def _peak_memory_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def make_app(store: FileBlobStore, blob: BlobInfo):
    """An ASGI application that answers with one blob."""

    async def app(scope, receive, send):
        if scope["path"] == "/memory":
            await _answer(send, 200, {"done": "1"}, str(_peak_memory_bytes()).encode())
            return
        asked = {name.decode(): value.decode() for name, value in scope["headers"]}
        answer = await stream_blob(store, blob, range_header=asked.get("range", ""))
        await _answer(send, answer.status, answer.headers)
        async for piece in answer.body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


def main(folder: str, digest: str, size: str) -> None:
    """Serve until stopped."""
    app = make_app(FileBlobStore(Path(folder)), BlobInfo(digest, int(size), int(size), ""))
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
