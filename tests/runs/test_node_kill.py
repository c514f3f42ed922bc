"""Whichever process of a node's tree is killed: every run ends well, and nothing of the dead is left."""

from __future__ import annotations

import signal
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from automations.models import Customer
from automations.services.credentials import Binding, set_credential
from runs.models import Run, Step, WorkerProcess
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import TERMINAL_RUNS, Cause, RunState
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.node import NodeUnderTest
    from tests.support.site import PracticeSite

SOME_ROLES = ["default/worker-0", "outermost"]
OTHER_ROLES = [
    "browser_keeper/browser",
    "default/sentinel",
    "default/worker-1",
    "default/driver",
    "browser_keeper",
    "browser_keeper/server",
    "default/monitor",
    "default/pusher",
    "default/main",
    "dispatcher",
    "watchdog",
    "chores/worker-0",
    "chores/monitor",
    "chores/pusher",
    "chores/sentinel",
    "chores/main",
]
OWN_BROWSER = ["default/worker-0", "default/browser", "default/driver", "outermost"]
RECOVERY_SECONDS = 60


@pytest.fixture
def temp_folder() -> Iterator[Path]:
    """Where the node keeps what is temporary. Short: a Unix socket in it must have a name the kernel takes."""
    with tempfile.TemporaryDirectory(prefix="node-") as folder:
        yield Path(folder)


@pytest.fixture
def start(start_node, practice_site, temp_folder):
    """Start a node with two worker processes and short leases that may visit the practice site."""
    Customer.objects.get_or_create(key="main")
    login = {"username": "demo@practice.example", "password": "practice-only"}
    binding = Binding(sites=[practice_site.url])
    set_credential(name="practice-shop", fields=login, binding=binding, actor="command")

    def start(**settings: str) -> NodeUnderTest:
        allowed = practice_site.host_and_port
        started: NodeUnderTest = start_node(
            "--processes=2",
            LEASE_SECONDS="4",
            BROWSER_ALLOW_PRIVATE=allowed,
            TMPDIR=str(temp_folder),
            **settings,
        )
        wait_until(lambda: WorkerProcess.objects.count() == 2, READY_SECONDS)
        return started

    return start


def read_all_invoices(practice_site: PracticeSite) -> Run:
    request = RunRequest(automation="practice-invoices", params={"base_url": practice_site.url})
    return request_run(request=request, origin=Origin(cause=Cause.COMMAND, actor="command")).run


def busy(run: Run) -> bool:
    """Whether the run is in the middle of its steps."""
    return Step.objects.filter(attempt__run=run).count() >= 3


def states(runs: list[Run]) -> list[str]:
    return list(Run.objects.filter(pk__in=[run.pk for run in runs]).values_list("state", flat=True))


def all_ended(node: NodeUnderTest, runs: list[Run]) -> bool:
    """Whether the runs have ended; meanwhile the node is started again when it died, as an init system does."""
    node.part.tend()
    return set(states(runs)) <= TERMINAL_RUNS


@pytest.mark.browser
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("roles", "changes"),
    [
        pytest.param(SOME_ROLES, {}, id="some"),
        pytest.param(OTHER_ROLES, {}, id="others", marks=pytest.mark.slow),
        pytest.param(OWN_BROWSER, {"BROWSER_SHARED": "off"}, id="own browsers", marks=pytest.mark.slow),
    ],
)
def test_a_killed_process_costs_no_run_and_leaves_nothing_behind(
    start, practice_site, temp_folder, roles, changes
):
    node = start(**changes)
    for role in roles:
        runs = [read_all_invoices(practice_site) for _ in range(2)]
        for run in runs:
            wait_until(partial(busy, run), READY_SECONDS, what=f"steps of a run ({role})")
        victim = node.find(role)
        family = [victim, *victim.children(recursive=True)]

        victim.kill()

        wait_until(partial(all_ended, node, runs), RECOVERY_SECONDS, what=f"the runs' end ({role})")
        assert states(runs) == [RunState.SUCCEEDED] * 2, role
        assert psutil.wait_procs(family, timeout=10)[1] == [], role
        wait_until(lambda: node.part.tend() or node.part.pid, READY_SECONDS)

    tree = node.tree()
    node.signal(signal.SIGTERM)
    assert node.wait_for_end(30) == 0
    assert psutil.wait_procs(tree, timeout=5)[1] == []
    assert list(node.part.family()) == []
    assert list(temp_folder.glob("webgraph-*/*")) == []
