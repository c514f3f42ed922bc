"""The files of docs/deploy: units that systemd reads, settings that pass Django's check, limits that fit each other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

from config.env import BASE_DIR
from config.env_table import SETTINGS
from tests.support.deployment import DEPLOY, PAGE, Installation, unit
from webgraph.browser.locate import PROOF_FLAGS, PROOF_PAGE, PROOF_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = ("web", "worker", "migrate", "backup")


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> Installation:
    """The example's settings, with a folder for data."""
    folder = tmp_path_factory.mktemp("installed")
    made = Installation(folder, {"/var/lib/orchestrator": str(folder)}, {})
    made.prepare()
    return made


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_every_unit_without_complaint(tmp_path) -> None:
    for name in UNITS:
        text = (DEPLOY / f"orchestrator-{name}.service").read_text()
        written = text.replace("/opt/orchestrator/.venv/bin/python", sys.executable)
        (tmp_path / f"orchestrator-{name}.service").write_text(written)
    shutil.copy(DEPLOY / "orchestrator-backup.timer", tmp_path)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, [line for line in done.stderr.splitlines() if "orchestrator" in line]) == (0, [])


@pytest.mark.parametrize("name", UNITS)
def test_no_unit_runs_as_root_or_may_become_somebody_else(name) -> None:
    directives = unit(name)

    assert directives["User"] == ["orchestrator"]
    assert directives["NoNewPrivileges"] == ["yes"]
    assert directives["CapabilityBoundingSet"] == [""]


@pytest.mark.parametrize("directive", ["RestrictNamespaces", "SystemCallFilter", "MemoryDenyWriteExecute"])
def test_nothing_takes_chromiums_sandbox_from_a_node(directive) -> None:
    assert directive not in unit("worker")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of this machine reaches and may write to."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is not installed")
def test_chromiums_sandbox_starts_without_any_privilege(browser_executable, open_folder) -> None:
    somebody = ["--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    command = [
        "setpriv",
        *somebody,
        "--no-new-privs",
        "--bounding-set=-all",
        browser_executable,
        *PROOF_FLAGS,
    ]

    done = subprocess.run(
        [*command, f"--user-data-dir={open_folder}/profile", "--dump-dom", PROOF_PAGE],
        capture_output=True,
        env={"PATH": os.defpath, "HOME": str(open_folder)},
        check=False,
    )

    assert PROOF_TEXT in done.stdout, done.stderr.decode()[-1000:]


def test_a_node_has_the_time_to_let_its_longest_attempt_end() -> None:
    (seconds,) = unit("worker")["TimeoutStopSec"]

    assert unit("worker")["KillMode"] == unit("web")["KillMode"] == ["mixed"]
    assert int(seconds) >= settings.LONGEST_ATTEMPT.total_seconds() + 60


def test_the_example_names_settings_there_are() -> None:
    lines = (DEPLOY / "orchestrator.env").read_text().splitlines()
    named = {found[1] for line in lines if (found := re.match(r"#?([A-Z_0-9]+)=", line))}

    assert named
    assert named <= {row.name for row in SETTINGS}


def test_the_deployment_check_finds_nothing_wrong_with_the_examples_settings(installation) -> None:
    printed = installation.manage("check", "--deploy", "--fail-level", "WARNING")

    assert printed == "System check identified no issues (0 silenced).\n"


def test_the_proxy_takes_the_largest_body_the_server_takes() -> None:
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())

    assert int(megabytes) * 1024 * 1024 >= settings.BODY_MAX_BYTES
    assert f"{megabytes} MB" in PAGE.read_text()


def test_the_bucket_gives_what_the_store_needs_and_no_more() -> None:
    statements = json.loads((DEPLOY / "bucket-policy.json").read_text())["Statement"]

    assert {action for item in statements for action in [item["Action"]] if isinstance(action, str)} == {
        "s3:ListBucket"
    }
    assert set(statements[0]["Action"]) == {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
    }


def test_every_file_the_page_names_is_there() -> None:
    named = set(re.findall(r"deploy/([\w.-]+\.\w+)", PAGE.read_text()))

    assert {path.name for path in DEPLOY.iterdir()} == named
    assert (BASE_DIR / "docs" / "deploy.md").is_file()
