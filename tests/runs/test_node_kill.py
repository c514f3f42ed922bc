"""Whichever process of a node's tree is killed: every run ends well, and nothing of the dead is left."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from runs.models import Run
from runs.states import TERMINAL_RUNS, RunState
from tests.support.node import READY_SECONDS
from tests.support.practice_node import busy, read_all_invoices
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.support.node import NodeUnderTest

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
    start_practice_node, practice_site, temp_folder, roles, changes
):
    node = start_practice_node(**changes)
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
