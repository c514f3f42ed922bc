"""A practice site of each test's own, over a real socket."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.practice_site.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def visitor() -> Iterator[httpx.Client]:
    """Somebody who has not signed in to a site served on a free port; redirects are not followed."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


@pytest.fixture
def member(visitor: httpx.Client) -> httpx.Client:
    """Somebody signed in."""
    answer = visitor.post("/sign-in", data={"username": DEMO_USERNAME, "password": DEMO_PASSWORD})
    assert answer.status_code == 303
    return visitor
