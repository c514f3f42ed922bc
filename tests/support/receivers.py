"""Real receivers of alerts: a mail server and a web server that keep what they were given."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from config.local.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Post:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebhookReceiver:
    """A web server on this machine; `answers` are given in turn, then 204 for ever. While `hold` is clear it is silent."""

    port: int = 0
    posts: list[Post] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def place(self) -> str:
        """Its host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """An address that takes alerts."""
        return f"http://{self.place}/hooks/alerts?team=ops"


@pytest.fixture
def webhook_receiver() -> Iterator[WebhookReceiver]:
    """A started web server that keeps every post."""
    kept = WebhookReceiver()
    kept.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.posts.append(Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            kept.hold.wait()
            status, headers = kept.answers.pop(0) if kept.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept
    kept.hold.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Mailbox:
    """What a mail server was given; while `refuses` is set it answers with it instead."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuses: str = ""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the name aiosmtpd calls
        """Take a mail, or refuse it."""
        if self.refuses:
            return self.refuses
        self.mails.append(envelope.content)
        self.recipients.append(envelope.rcpt_tos)
        return "250 Kept"


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """A started mail server that the settings name."""
    kept = Mailbox(port=free_port())
    controller = Controller(kept, hostname="127.0.0.1", port=kept.port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", kept.port
    yield kept
    controller.stop()
