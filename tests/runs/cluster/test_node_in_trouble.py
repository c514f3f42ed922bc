"""A node while its database does not answer, and while its code changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from infra_shared.database import database_now
from runs.models import Node, WorkerProcess
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

pytestmark = pytest.mark.timeout(300)
AUTOMATION = '''
from webgraph.flow import Automation, stage

class Reloaded(Automation):
    key = "reloaded"
    title = "Version {number}"

    @stage(effect="read")
    async def look(self, page):
        """Look."""
'''


def fresh_processes() -> set[UUID]:
    """The rows of worker processes whose lease still runs."""
    return set(WorkerProcess.objects.fresh(database_now()).values_list("pk", flat=True))


def hold_writes() -> None:
    """Keep everybody from writing rows of worker processes until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE runs_workerprocess, runs_node IN EXCLUSIVE MODE")


def test_a_database_that_takes_no_writes_for_longer_than_a_lease_costs_no_process(start_node):
    node = start_node("--processes=2", "--no-chores", LEASE_SECONDS="4")
    rows = wait_until(lambda: len(found := fresh_processes()) == 2 and found, READY_SECONDS)
    tree = {process.pid for process in node.tree()}

    with transaction.atomic():  # on SQLite this alone holds the only write lock there is
        hold_writes()
        wait_until(lambda: not fresh_processes(), 30)

    wait_until(lambda: fresh_processes() == rows, 60)
    assert tree <= {process.pid for process in node.tree()}  # none was replaced; one may have started late


def node_with_other_code(than: Node) -> Node | None:
    """The newest node, if it can run a version that the other cannot."""
    newest = Node.objects.latest("started_at")
    return newest if set(newest.versions) - set(than.versions) else None


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of automations that nodes of this test load; returns its file."""
    file = tmp_path / "modules" / "reloadable" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.write_text(AUTOMATION.format(number=1))
    search = os.pathsep.join(filter(None, [str(file.parent.parent), os.environ.get("PYTHONPATH", "")]))  # noqa: TID251 - handed on
    monkeypatch.setenv("PYTHONPATH", search)
    return file


def test_changed_code_starts_a_node_anew_and_broken_code_does_not(start_node, package):
    node = start_node("--processes=1", "--no-chores", "--reload", AUTOMATION_MODULES="reloadable")
    wait_until(fresh_processes, READY_SECONDS)
    first = Node.objects.latest("started_at")

    package.write_text("class Broken(:")
    wait_until(lambda: "changed_code_is_broken" in node.part.log.read_text(), 20)
    package.write_text(AUTOMATION.format(number=2))
    second = wait_until(lambda: node_with_other_code(first), READY_SECONDS)

    assert second is not None
    assert second.pid == first.pid == node.outermost.pid
    first.refresh_from_db()
    assert first.stopped_at
    wait_until(lambda: WorkerProcess.objects.filter(node=second).exists(), READY_SECONDS)
