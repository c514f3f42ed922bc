"""A small object store over HTTP that knows one key: enough of S3 to take, give a range of, and delete an object."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCESS_KEY = "AKIDRIGHT"
_REFUSAL = (
    b"<?xml version='1.0'?><Error><Code>InvalidAccessKeyId</Code><Message>No such key.</Message></Error>"
)


@dataclass
class Door:
    """What it keeps, and where it is."""

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)

    def storage(self, access_key: str = ACCESS_KEY, secret_key: str = "a-secret-7f3a") -> dict[str, Any]:
        """The entry for STORAGES that names it."""
        options = {
            "bucket_name": "evidence",
            "endpoint_url": f"http://127.0.0.1:{self.port}",
            "region_name": "eu-test-1",
            "access_key": access_key,
            "secret_key": secret_key,
            "file_overwrite": True,
            "querystring_auth": True,
        }
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: Door

    def do_HEAD(self) -> None:
        """Say how long an object is."""
        self._give()

    def do_GET(self) -> None:
        """Give an object, or a range of it."""
        self._give()

    def do_PUT(self) -> None:
        """Keep an object."""
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_admitted():
            self.kept.objects[self.path] = _unframed(sent, self.headers.get("Content-Encoding", ""))
            self._answer(200, ETag='"1"')

    def do_DELETE(self) -> None:
        """Forget an object."""
        if self._is_admitted():
            self.kept.objects.pop(self.path, None)
            self._answer(204)

    def _give(self) -> None:
        if not self._is_admitted():
            return
        body = self.kept.objects.get(self.path)
        if body is None:
            self._answer(404)
            return
        first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        if not first:
            self._answer(200, body, ETag='"1"')
            return
        piece = body[int(first) : int(last) + 1 if last else None]
        told = f"bytes {first}-{int(first) + len(piece) - 1}/{len(body)}"
        self._answer(206, piece, ETag='"1"', Content_Range=told)

    def _is_admitted(self) -> bool:
        if f"Credential={ACCESS_KEY}/" in self.headers.get("Authorization", ""):
            return True
        self._answer(403, _REFUSAL)
        return False

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        named = {"Content-Length": str(len(body)), "Last-Modified": formatdate(usegmt=True), **headers}
        for name, value in named.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


def opened_door() -> Iterator[Door]:
    """A started one, ended with the test."""
    kept = Door()
    handler = type("Handler", (_Handler,), {"kept": kept})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    kept.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


def _unframed(sent: bytes, encoding: str) -> bytes:
    """The body without the chunks that boto3 frames it in to add a checksum."""
    if "aws-chunked" not in encoding:
        return sent
    body = b""
    while sent:
        head, _, rest = sent.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if size == 0:
            break
        body, sent = body + rest[:size], rest[size + 2 :]
    return body
