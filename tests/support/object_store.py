"""A real server that speaks S3, shared by the processes of a test run, and a relay that treats its connections badly."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from config.artifact_storage import s3_options
from config.local.parental import die_with_parent
from config.local.processes import free_port
from infra_shared.blobs.s3_store import S3BlobStore
from infra_shared.clock import sleep
from infra_shared.ids import random_token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY, SECRET, REGION = "tests:orchestrator", "a-secret-of-the-tests", "eu-tests-1"
START_SECONDS = 60
PIECE_BYTES = 16 * 1024


@dataclass
class ObjectStoreServer:
    """One server on a port of this machine; it may be stopped and started again, and keeps what it has."""

    folder: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and return when it answers."""
        program = Path(__file__).with_name("swift_process.py")
        command = [sys.executable, "-P", "-W", "ignore", str(program), str(self.folder), str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, KEY, SECRET, REGION],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - loads nothing in the child
            )
        wait_until(self._answers, START_SECONDS, what="the object store")

    def stop(self) -> None:
        """End it; what was stored stays for the next start."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"The object store did not start: {(self.folder / 'log').read_text()[-3000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


def new_bucket(url: str) -> str:
    """Make an empty bucket, and return its name."""
    name = f"tests-{random_token(12).lower()}"
    style = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3})
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=style,
    )
    with contextlib.closing(client):
        client.create_bucket(Bucket=name)
    return name


def storage_of(url: str, bucket: str, **changes: Any) -> dict[str, Any]:
    """An entry of STORAGES for a bucket, as the settings make it, impatient as tests are."""
    options: dict[str, Any] = {
        "bucket": bucket,
        "endpoint_url": url,
        "region": REGION,
        "access_key": KEY,
        "secret_key": SECRET,
        "addressing": "path",
        "connect_seconds": 2,
        "read_seconds": 10,
        "tries": 1,
    } | changes
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": s3_options(**options)}


def store_of(url: str, bucket: str, **changes: Any) -> S3BlobStore:
    """The store of a bucket."""
    from storages.backends.s3 import S3Storage  # type: ignore[import-untyped]  # noqa: PLC0415 - needs settings

    return S3BlobStore(S3Storage(**storage_of(url, bucket, **changes)["OPTIONS"]))


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a server that all processes of this test run share; whoever comes first starts it.

    Each holds a lock while it tests. The one that started the server ends it once it gets that lock for itself.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # noqa: TID251 - pytest-xdist's own
    with (
        (shared / "object-store.lock").open("w") as start,
        (shared / "object-store.users").open("w") as users,
    ):
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(start, fcntl.LOCK_EX)
        said = shared / "object-store.url"
        own = None
        if not said.exists():
            own = ObjectStoreServer(Path(tempfile.mkdtemp(prefix="swift-", dir="/tmp")))
            own.start()
            said.write_text(own.url)
        fcntl.flock(start, fcntl.LOCK_UN)
        yield said.read_text()
        fcntl.flock(users, fcntl.LOCK_UN)
        if own is not None:
            fcntl.flock(users, fcntl.LOCK_EX)
            own.stop()
            said.unlink()
            shutil.rmtree(own.folder, ignore_errors=True)


@pytest.fixture
def own_object_store(tmp_path: Path) -> Iterator[ObjectStoreServer]:
    """A server of the test's own, started, that it may stop and start again."""
    folder = tmp_path / "swift"
    folder.mkdir()
    server = ObjectStoreServer(folder)
    server.start()
    yield server
    server.stop()


class BadLine:
    """A TCP relay in front of a server.

    `bytes_per_second` slows what the server sends, `silent` lets nothing of it through, and `cut_after_bytes` ends the
    connection after so much of it. They hold for connections made after they were set, `silent` at once.
    """

    def __init__(self, url: str) -> None:
        self._target = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.bytes_per_second = 0
        self.cut_after_bytes: int | None = None
        self.silent = False
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the relay listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """End the relay and all its connections."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        passed, speed, most = 0, self.bytes_per_second, self.cut_after_bytes
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                if is_answer and self.silent:
                    continue
                if is_answer and most is not None:
                    piece = piece[: max(most - passed, 0)]
                target.sendall(piece)
                passed += len(piece)
                if is_answer and speed:
                    sleep(len(piece) / speed)
                if is_answer and most is not None and passed >= most:
                    break
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def bad_line(object_store: str) -> Iterator[BadLine]:
    """A relay in front of the shared server."""
    relay = BadLine(object_store)
    yield relay
    relay.close()
