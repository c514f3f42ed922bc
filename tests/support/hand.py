"""A worker process inside the test: it claims attempts and carries them out on a real browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from infra_shared.database import database_now
from runs import execution
from runs.models import Attempt
from runs.services import dispatching
from runs.states import AttemptState
from tests.support import sample
from webgraph.browser.host import BrowserHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from automations.models import AutomationVersion
    from runs.models import Run


@pytest.fixture(scope="session")
def hand_host(browser_executable: str) -> Iterator[BrowserHost]:
    """A warm browser for the session."""
    host = BrowserHost(browser_executable)
    host.start()
    yield host
    host.close()


@dataclass
class Hand:
    """Stands where a node's worker process stands; its lease is long enough for a test."""

    version: AutomationVersion
    browser_host: BrowserHost
    row_id: UUID
    name: str = "node-1 default 1"

    def beat(self) -> None:
        """Nobody reaps it meanwhile."""

    def leave(self) -> None:
        """It stays: the test ends it."""

    def carry_out(self, run: Run) -> str:
        """Carry out the newest attempt of a run, which begins now; what came of it, in one word."""
        rows = Attempt.objects.filter(run=run, state=AttemptState.QUEUED)
        rows.filter(waits_for__isnull=True).update(due_at=database_now())
        dispatching.dispatch_due_attempts()
        return execution.execute(rows.latest("number").pk, self)

    def carry_out_in_thread(self, run: Run) -> str:
        """The same on another thread, which leaves no connection behind."""
        try:
            return self.carry_out(run)
        finally:
            connections.close_all()


def make_hand(version: AutomationVersion, host: BrowserHost, *, pid: int = 1) -> Hand:
    """A worker process on a node that can run the version."""
    return Hand(version, host, sample.start_process(version, pid=pid).pk)
