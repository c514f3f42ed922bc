"""The Worker as it is deployed, in workerd: from a provider's request to the signed batch at the origin."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import time
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from config.local import node
from config.local.processes import free_port, inherited
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.edge.conftest import EdgeWorker, RecordingOrigin

pytestmark = [pytest.mark.edge, pytest.mark.timeout(300)]
SECRET = "It's a Secret to Everybody"
DELIVERY_SECONDS = 60


def digest(key: bytes, data: bytes) -> str:
    return hmac.new(key, data, hashlib.sha256).hexdigest()


def order(edge: EdgeWorker, path: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Give the Worker a signed order and return its answer."""
    body, batch, now = json.dumps(fields).encode(), str(uuid.uuid4()), str(int(time.time()))
    signed = f"v1.control.control.{now}.{batch}.".encode() + body
    headers = {
        "X-Edge-Key": "control",
        "X-Edge-Timestamp": now,
        "X-Edge-Batch": batch,
        "X-Edge-Signature": f"v1={digest(edge.control_key, signed)}",
    }
    response = httpx.post(f"{edge.url}/control/{path}", content=body, headers=headers, trust_env=False)
    response.raise_for_status()
    return dict(response.json())


@pytest.fixture
def github_source(edge_worker: EdgeWorker) -> str:
    config = {"v": 1, "enabled": True, "scheme": "github", "options": {}}
    source = {"source": "demo-github", "config": config, "secrets": [SECRET]}
    assert order(edge_worker, "sources/put", {"sources": [source]}) == {"written": 1}
    return f"{edge_worker.url}/hooks/demo-github"


@pytest.mark.parametrize("filler", [10, 300_000], ids=["in the queue", "through the bucket"])
def test_a_signed_webhook_reaches_the_origin_byte_for_byte_in_a_signed_batch(
    github_source: str, edge_worker: EdgeWorker, recording_origin: RecordingOrigin, filler: int
) -> None:
    body, delivery = json.dumps({"zen": "ü" * filler}).encode(), str(uuid.uuid4())
    headers = {
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={digest(SECRET.encode(), body)}",
    }

    assert httpx.post(github_source, content=body, headers=headers, trust_env=False).status_code == 202
    wait_until(lambda: recording_origin.messages(delivery), DELIVERY_SECONDS, what="the batch")

    (post,) = recording_origin.messages(delivery)
    kid, timestamp, batch = (post.headers[f"x-edge-{name}"] for name in ("key", "timestamp", "batch"))
    signed = f"v1.batch.{kid}.{timestamp}.{batch}.".encode() + post.body
    assert post.headers["x-edge-signature"] == f"v1={digest(edge_worker.edge_key, signed)}"
    (message,) = json.loads(post.body)["messages"]
    assert base64.b64decode(message["body"]) == body
    assert message["key"] == f"delivery:{delivery}"


def test_a_webhook_nobody_signed_is_refused(github_source: str) -> None:
    assert httpx.post(github_source, content=b"{}", trust_env=False).status_code == 401


def close_the_pipe(process: subprocess.Popen[bytes], _marker: str) -> None:
    assert process.stdin
    process.stdin.close()


def terminate(process: subprocess.Popen[bytes], _marker: str) -> None:
    process.terminate()


def kill_workerd(process: subprocess.Popen[bytes], marker: str) -> None:
    for member in family(marker):
        if member.pid != process.pid:
            member.kill()


@pytest.mark.parametrize(("end", "code"), [(close_the_pipe, 0), (terminate, 0), (kill_workerd, 1)])
def test_however_a_worker_ends_none_of_its_processes_is_left(
    needs_node: None, tmp_path: Path, end: Callable[[subprocess.Popen[bytes], str], None], code: int
) -> None:
    marker = uuid.uuid4().hex
    keys = dict.fromkeys(("EDGE_KEYS", "EDGE_CONTROL_KEYS", "CONFIG_KEYS"), f"k:{'0' * 64}")
    with subprocess.Popen(
        ["node", node.PACKAGE / "local" / "serve.mjs", "--folder", tmp_path],
        env=inherited({**keys, "ORIGIN_URL": f"http://127.0.0.1:{free_port()}", "TEST_MARKER": marker}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["ready"] is True
        assert len(family(marker)) > 1

        end(process, marker)

        assert process.wait(DELIVERY_SECONDS) == code
        wait_until(lambda: not family(marker), DELIVERY_SECONDS, what="the Worker's last process to end")


def family(marker: str) -> list[psutil.Process]:
    """Every living process with this marker in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TEST_MARKER") == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_the_workers_own_tests_pass(needs_node: None) -> None:
    done = subprocess.run(
        ["npm", "test"],
        cwd=node.PACKAGE,
        env=inherited({"NO_COLOR": "1"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
