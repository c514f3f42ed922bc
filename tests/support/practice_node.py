"""A node that reads the practice site's invoices, and the runs that have it do so."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from automations.models import Customer
from automations.services.credentials import Binding, set_credential
from runs.models import Run, Step, WorkerProcess
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import Cause
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.node import NodeUnderTest
    from tests.support.site import PracticeSite

LEASE_SECONDS = 4


@pytest.fixture
def temp_folder() -> Iterator[Path]:
    """Where the node keeps what is temporary. Short: a Unix socket in it must have a name the kernel takes."""
    with tempfile.TemporaryDirectory(prefix="node-") as folder:
        yield Path(folder)


@pytest.fixture
def start_practice_node(
    start_node: Callable[..., NodeUnderTest], practice_site: PracticeSite, temp_folder: Path
) -> Callable[..., NodeUnderTest]:
    """Start a node with two worker processes and short leases that may visit the practice site; settings by name."""
    Customer.objects.get_or_create(key="main")
    login = {"username": "demo@practice.example", "password": "practice-only"}
    binding = Binding(sites=[practice_site.url])
    set_credential(name="practice-shop", fields=login, binding=binding, actor="command")

    def start(**settings: str) -> NodeUnderTest:
        allowed = practice_site.host_and_port
        started = start_node(
            "--processes=2",
            LEASE_SECONDS=str(LEASE_SECONDS),
            BROWSER_ALLOW_PRIVATE=allowed,
            TMPDIR=str(temp_folder),
            **settings,
        )
        wait_until(lambda: WorkerProcess.objects.count() == 2, READY_SECONDS)
        return started

    return start


def read_all_invoices(practice_site: PracticeSite) -> Run:
    """A run that has just been asked for."""
    request = RunRequest(automation="practice-invoices", params={"base_url": practice_site.url})
    return request_run(request=request, origin=Origin(cause=Cause.COMMAND, actor="command")).run


def busy(run: Run) -> bool:
    """Whether the run is in the middle of its steps."""
    return Step.objects.filter(attempt__run=run).count() >= 3
