"""A local server that speaks Gemini's wire format: it answers as it is told, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Reply:
    """What the server says next; with `held` it says nothing until it is set."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    held: threading.Event | None = None


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: who stopped waiting for an answer is part of a test."""


class ModelServer:
    """A running server and its next replies; the last one is repeated."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self._http = _Quiet(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def sees(self, *places: tuple[list[int], str, float], tokens: int = 700) -> None:
        """The next reply: these boxes (top, left, bottom, right in thousandths), texts and scores."""
        told = [{"box_2d": box, "text": text, "score": score} for box, text, score in places]
        self.says(json.dumps(told), tokens=tokens)

    def says(self, text: str, *, tokens: int = 700) -> None:
        """The next reply: this text of the model."""
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
        body = {"candidates": [candidate], "usageMetadata": {"totalTokenCount": tokens}}
        self.replies.append(Reply(body=body))

    def refuses(self, status: int, **headers: str) -> None:
        """The next reply: an error as Google words it, which repeats the key it was given."""
        error = {"code": status, "status": "REFUSED", "message": f"not for the key {self.keys[-1:]}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.append(Reply(status, {"error": error}, named))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.keys.append(self.headers.get("x-goog-api-key", ""))
                server.asked.append({"path": self.path, **json.loads(body)})
                reply = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
                if reply.held is not None:
                    reply.held.wait(20)
                answer = json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words: Any) -> None:
                """Keep quiet."""

        return Handler

    @contextmanager
    def running(self) -> Iterator[ModelServer]:
        thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join(5)
