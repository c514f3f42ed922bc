"""A disk that is full, or gone, while artifacts are stored."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runs.faults.rig import Rig

# The database plays no part in these, so they are not repeated on PostgreSQL.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(300)]
DELIVERED_SECONDS = 120
"""A store that failed is left alone for a while before it is tried again."""
SMALL = "96k"
"""Room for a few of a run's files and not for all of them."""


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Have a folder on a file system of its own, with hardly any room; skips where this may not be done."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("Mounting a small file system needs a privilege this user has not.")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def no_disk(folder: Path) -> Iterator[None]:
    """Have a file in the place of a folder."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


@pytest.mark.parametrize("breaking", [full_disk, no_disk])
def test_a_run_succeeds_without_room_for_its_evidence_which_waits_on_the_node_for_it(
    broken: Rig, breaking
) -> None:
    broken.artifacts.mkdir(exist_ok=True)
    with breaking(broken.artifacts):
        run_id = broken.ask("practice-invoices")
        run = broken.ended(run_id)
        waiting = [item for item in broken.all_of(run_id, "artifacts") if item["missing_reason"]]

    assert (run["state"], len(broken.all_of(run_id, "attempts"))) == ("succeeded", 1)
    assert {"step_picture", "trace"} <= {item["kind"] for item in waiting}
    assert [item for item in waiting if "It waits for the store" not in item["missing_reason"]] == []
    wait_until(
        lambda: not [item for item in broken.all_of(run_id, "artifacts") if item["missing_reason"]],
        DELIVERED_SECONDS,
        what="the files that waited",
    )


def test_the_store_takes_evidence_again_when_there_is_room_again(broken: Rig) -> None:
    broken.artifacts.mkdir(exist_ok=True)
    with no_disk(broken.artifacts):
        broken.ended(broken.ask("open-two-pages"))

    run_id = broken.ask("open-two-pages")
    broken.ended(run_id)

    assert [item for item in broken.all_of(run_id, "artifacts") if item["missing_reason"]] == []
