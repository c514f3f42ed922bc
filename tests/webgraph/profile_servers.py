"""Servers a browser profile is proved against: one that says what it was sent, a forward proxy, one that wants a certificate."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

SIGN_IN = {"username": "anna-of-the-proxy", "password": "pr0xy-s3same"}
BASIC_TOKEN = base64.b64encode(f"{SIGN_IN['username']}:{SIGN_IN['password']}".encode()).decode()


@dataclass
class Echo:
    """A server that remembers the headers of each request; `/door` asks for HTTP Basic, `/status/N` answers N."""

    options: dict[str, Any] = field(default_factory=dict)
    seen: list[dict[str, str]] = field(default_factory=list)
    server: uvicorn.Server = field(init=False)

    def __post_init__(self) -> None:
        routes = [
            Route("/door", self._door),
            Route("/status/{code:int}", self._status),
            Route("/{path:path}", self._page),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=0, log_level="critical", ws="none",
            lifespan="off", **self.options,
        )  # fmt: skip
        self.server = uvicorn.Server(config)

    @property
    def host_and_port(self) -> str:
        return f"127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    @property
    def origin(self) -> str:
        return f"{'https' if self.options else 'http'}://{self.host_and_port}"

    async def _page(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        return HTMLResponse(f"<p id=sent>{json.dumps(dict(request.headers))}</p>")

    async def _door(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        inside = request.headers.get("authorization") == f"Basic {BASIC_TOKEN}"
        refusal = {} if inside else {"WWW-Authenticate": "Basic realm=door"}
        return HTMLResponse("<p>door</p>", status_code=200 if inside else 401, headers=refusal)

    async def _status(self, request: Request) -> Response:
        return HTMLResponse("no", status_code=request.path_params["code"])


@contextmanager
def serving(**options: Any) -> Iterator[Echo]:
    """An Echo on a port of its own, over TLS with `ssl_…` options."""
    echo = Echo(options)
    thread = threading.Thread(target=echo.server.run, daemon=True)
    thread.start()
    wait_until(lambda: echo.server.started, 10)
    try:
        yield echo
    finally:
        echo.server.force_exit = echo.server.should_exit = True
        thread.join(10)


@contextmanager
def forward_proxy(folder: Path) -> Iterator[str]:
    """The host and port of a proxy that lets in SIGN_IN alone."""
    port_file = folder / "port"
    command = [
        sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", "--port-file", str(port_file),
        "--num-workers", "1", "--num-acceptors", "1", "--basic-auth", ":".join(SIGN_IN.values()),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    ) as process:
        try:
            wait_until(lambda: port_file.exists() and bool(port_file.read_text().strip()), 20)
            yield f"127.0.0.1:{port_file.read_text().split()[0]}"
        finally:
            process.terminate()


@dataclass(frozen=True)
class Certificates:
    """An authority made for one test, what a server shows, and what a visitor proves itself with."""

    authority: trustme.CA
    authority_file: Path
    server_file: Path
    visitor: dict[str, str]

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        authority = trustme.CA()
        files = folder / "authority.pem", folder / "server.pem"
        authority.cert_pem.write_to_path(files[0])
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(files[1])
        visitor = authority.issue_cert("anna@visitor.example")
        pem = {
            "certificate": visitor.cert_chain_pems[0].bytes().decode(),
            "key": visitor.private_key_pem.bytes().decode(),
        }
        return cls(authority, *files, pem)

    def demanding(self) -> dict[str, Any]:
        """The options of a server that asks each visitor for a certificate of this authority."""
        return {
            "ssl_certfile": self.server_file,
            "ssl_ca_certs": self.authority_file,
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
