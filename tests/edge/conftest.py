"""The real Worker in workerd, in front of an origin that only records."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from config.local.processes import Part, free_port, inherited, stop
from config.local.worker import START_SECONDS, worker_part

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Posted:
    """One request of the Worker as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RecordingOrigin:
    """A web server that keeps what it gets and accepts every message and letter in it."""

    port: int = 0
    posts: list[Posted] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def messages(self, key: str) -> list[Posted]:
        """The batches that held the event of this key."""
        return [post for post in self.posts if key in post.body.decode()]


@dataclass
class EdgeWorker:
    """A running Worker, and the keys both sides know."""

    part: Part
    url: str
    edge_key: bytes
    control_key: bytes


@pytest.fixture(scope="session")
def recording_origin() -> Iterator[RecordingOrigin]:
    kept = RecordingOrigin()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.posts.append(Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            items = json.loads(body).get("messages", [])
            answer = json.dumps({"results": [{"id": item["id"], "status": "accepted"} for item in items]})
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def edge_worker(
    needs_node: None, recording_origin: RecordingOrigin, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EdgeWorker]:
    """A Worker whose origin is the recording one."""
    edge_key, control_key = secrets.token_bytes(32), secrets.token_bytes(32)
    folder, port = tmp_path_factory.mktemp("edge"), free_port()
    part = worker_part(
        folder=folder,
        port=port,
        origin_url=recording_origin.url,
        environment=inherited(
            {"EDGE_KEYS": f"edge:{edge_key.hex()}", "EDGE_CONTROL_KEYS": f"control:{control_key.hex()}"}
        ),
        log=folder / "worker.log",
    )
    part.start()
    part.wait_until_ready(START_SECONDS)
    yield EdgeWorker(part, f"http://127.0.0.1:{port}", edge_key, control_key)
    stop([part])
