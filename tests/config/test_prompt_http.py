"""What several processes of web say on one socket leaves at once."""

from __future__ import annotations

import socket
import threading
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from config.prompt_http import PromptHttp
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path


async def answer(scope: Any, _receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def unnamed_socket() -> socket.socket:
    """A listening socket as `uvicorn --workers` makes it."""
    listener = socket.socket(family=socket.AF_INET)
    listener.bind(("127.0.0.1", 0))
    return listener


@contextmanager
def serving(listener: socket.socket, protocol: type[H11Protocol]) -> Iterator[list[int]]:
    """A server on the socket; gives whether each connection had Nagle's algorithm off when it was made."""
    seen: list[int] = []

    class Watched(protocol):  # type: ignore[misc, valid-type]  # which one is the test's
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            connection = transport.get_extra_info("socket")
            if connection.family == socket.AF_INET:
                seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            else:
                seen.append(-1)

    config = uvicorn.Config(answer, http=Watched, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, 30, what="the server's start")
        yield seen
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.mark.parametrize(("protocol", "prompt"), [(H11Protocol, False), (PromptHttp, True)])
def test_a_shared_socket_is_prompt_only_by_our_protocol(protocol: type[H11Protocol], *, prompt: bool) -> None:
    """The first of the two says when uvicorn or Python has mended it, and ours is not needed any more."""
    listener = unnamed_socket()
    port = listener.getsockname()[1]
    with (
        serving(listener, protocol) as seen,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as response,
    ):
        assert response.read() == b"ok"
    assert [bool(item) for item in seen] == [prompt]


def test_a_unix_socket_is_served_as_it_is(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "web"))
    with serving(listener, PromptHttp) as seen, socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(tmp_path / "web"))
        caller.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        said = b""
        while part := caller.recv(65536):
            said += part
    assert said.startswith(b"HTTP/1.1 200")
    assert seen == [-1]
