"""Production start: both command lines exactly as the unit files have them, on PostgreSQL, from start to stop; and a back-up by its unit."""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from config.env import BASE_DIR
from config.local.processes import Part, free_port, stop
from tests.support.deployment import Installation, Visitor
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.local.postgres import PostgresServer
    from tests.support.site import PracticeSite

START_SECONDS = 90
RUN_SECONDS = 180
pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def installation(
    tmp_path: Path, postgres_server: PostgresServer, practice_site: PracticeSite, port: int
) -> Installation:
    """An installation on a PostgreSQL of its own: migrated, static files collected."""
    (tmp_path / "data").mkdir()
    made = Installation(
        folder=tmp_path,
        substitutes={
            "/opt/orchestrator/.venv/bin/python": sys.executable,
            "/opt/orchestrator": str(BASE_DIR),
            "/var/lib/orchestrator": str(tmp_path / "data"),
            "/mnt/backups": str(tmp_path / "backups"),
            "--port 8000": f"--port {port}",
            "postgres://orchestrator:PASSWORD@127.0.0.1:5432/orchestrator": postgres_server.create_database(
                "main"
            ),
        },
        more={"BROWSER_ALLOW_PRIVATE": practice_site.host_and_port},
    )
    made.prepare()
    for command in made.commands("migrate"):
        made.run(command)
    return made


@pytest.fixture
def units(installation: Installation, port: int) -> Iterator[dict[str, Part]]:
    """Web and worker, running."""
    parts = {name: installation.part(name) for name in ("web", "worker")}
    for part in parts.values():
        part.start()
    try:
        wait_until(Visitor(port).is_answered, START_SECONDS, what=parts["web"].last_lines())
        yield parts
    finally:
        stop(list(parts.values()), hurry=lambda: True)


def end_as_systemd_does(part: Part) -> int:
    """SIGTERM to the outermost process, and nothing else: KillMode=mixed; returns its exit code, 128 + n for a signal."""
    assert part._process is not None
    part.terminate()
    code = part._process.wait(part.grace_seconds)
    wait_until(lambda: not list(part.family()), 10, what=f"the last process of {part.name}")
    return 128 - code if code < 0 else code


def test_production_start_runs_an_automation_and_stops_cleanly(
    installation: Installation, units: dict[str, Part], practice_site: PracticeSite, port: int
) -> None:
    key = installation.manage("keys", "create", "ci", "--scope", "*").strip()
    caller = Visitor(port, key)

    run_id = caller.json(
        "/runs", {"automation": "page-snapshot", "params": {"url": f"{practice_site.url}/"}}
    )["id"]
    wait_until(lambda: _ended(caller, run_id), RUN_SECONDS, what=units["worker"].last_lines())
    assert caller.json(f"/runs/{run_id}")["state"] == "succeeded"
    assert caller.json(f"/runs/{run_id}/artifacts")["items"]

    _has_a_sign_in_whose_files_stay_in_caches(Visitor(port))
    found = json.loads(installation.manage("doctor", "--json", "--skip", "mail"))
    assert {item["check"] for item in found["findings"] if item["level"] == "fail"} == set()

    for command in installation.commands("backup") + installation.commands("backup", "ExecStopPost"):
        installation.run(command)
    (kept,) = json.loads(
        installation.manage("backup", "list", str(installation.folder / "backups"), "--json")
    )
    assert (kept["vendor"], kept["rows"]["runs_run"], kept["blobs"]["missing"]) == ("postgresql", 1, [])

    assert end_as_systemd_does(units["worker"]) == 0
    # uvicorn ends in good order and then by the signal it got, which systemd takes for success.
    assert end_as_systemd_does(units["web"]) in (0, 128 + signal.SIGTERM)


def _ended(caller: Visitor, run_id: str) -> bool:
    return caller.json(f"/runs/{run_id}")["state"] in {
        "succeeded",
        "failed",
        "timed_out",
        "expired",
        "cancelled",
    }


def _has_a_sign_in_whose_files_stay_in_caches(visitor: Visitor) -> None:
    status, headers, page = visitor.ask("/admin/login/")
    assert status == 200
    assert "max-age=31536000" in headers["strict-transport-security"]
    (sheet, *_) = re.findall(rb'href="(/static/[^"]+\.css)"', page)
    status, headers, _ = visitor.ask(sheet.decode())
    assert status == 200
    assert headers["cache-control"] == "max-age=315360000, public, immutable"
