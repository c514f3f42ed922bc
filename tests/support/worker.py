"""A stand-in for the edge Worker's control endpoints, written against the contract: keeps sources, takes signed orders."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.intake import CONTROL_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Worker:
    """What it keeps and was told; `breaks` is an answer it gives instead of doing anything."""

    port: int = 0
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hooks: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    breaks: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """The answer to one request."""
        if self.breaks is not None:
            return self.breaks
        if path.startswith("/hooks/"):
            self.hooks.append((path, headers, body))
            return 202, b'{"accepted": true}'
        if not self._is_signed(headers, body):
            return 401, b"unauthorized"
        what = json.loads(body)
        self.orders.append((path, what))
        return 200, json.dumps(self._done(path, what)).encode()

    def _is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        named = [headers.get(f"x-edge-{name}", "") for name in ("key", "timestamp", "batch")]
        signed = f"v1.control.{'.'.join(named)}.".encode() + body
        wanted = hmac.new(CONTROL_KEY.secret, signed, hashlib.sha256).hexdigest()
        return headers.get("x-edge-signature") == f"v1={wanted}"

    def _done(self, path: str, what: dict[str, Any]) -> dict[str, Any]:
        if path == "/control/sources/list":
            return {"sources": [self._told(slug, kept) for slug, kept in self.sources.items()]}
        if path == "/control/sources/put":
            self.sources.update({item["source"]: item for item in what["sources"]})
            return {"written": len(what["sources"])}
        if path == "/control/sources/delete":
            for slug in what["sources"]:
                self.sources.pop(slug, None)
            return {"deleted": len(what["sources"])}
        if path == "/control/redrive":
            letter = {"id": "l-1", "source": "shop", "reason": "500", "redrives": 0}
            return {"letters": [letter], "sent": 0 if what["dry_run"] else 1, "left": 3}
        return {
            "version": "1.0.0",
            "sources": len(self.sources),
            "dead_letters": 3,
            "now": "2026-11-23T00:00:00Z",
        }

    def _told(self, slug: str, kept: dict[str, Any]) -> dict[str, Any]:
        prints = [
            hmac.new(CONTROL_KEY.secret, f"fingerprint.{secret}".encode(), hashlib.sha256).hexdigest()[:16]
            for secret in kept["secrets"]
        ]
        return {"source": slug, "config": kept["config"], "secret_fingerprints": prints, "updated_at": ""}


@pytest.fixture
def worker(settings) -> Iterator[Worker]:
    """A started stand-in that EDGE_WORKER_URL names, and whose key is set."""
    kept = Worker()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = kept.answer(self.path, headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.EDGE_WORKER_URL = kept.url
    settings.EDGE_CONTROL_KEYS = (CONTROL_KEY,)
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()
