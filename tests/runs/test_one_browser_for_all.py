"""The one browser of a node, lost under everybody at once, or kept by somebody who hangs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from automations.models import Customer
from runs.models import Attempt, Run, Step, WorkerProcess
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import TERMINAL_RUNS, Cause, RunState
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.node import NodeUnderTest
    from tests.support.site import PracticeSite

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
ATTEMPTS = 4


@pytest.fixture
def start(
    start_node: Callable[..., NodeUnderTest], practice_site: PracticeSite
) -> Callable[..., NodeUnderTest]:
    """Start a node that may visit the practice site."""
    Customer.objects.get_or_create(key="main")
    return partial(
        start_node,
        "--no-chores",
        AUTOMATION_MODULES="tests.runs.faults.automations",
        BROWSER_ALLOW_PRIVATE=practice_site.host_and_port,
    )


def ask(practice_site: PracticeSite, count: int) -> list[Run]:
    """As many runs as there are worker processes."""
    wait_until(lambda: WorkerProcess.objects.count() == count, READY_SECONDS, what="the worker processes")
    request = RunRequest(automation="open-two-pages", params={"base_url": practice_site.url})
    origin = Origin(cause=Cause.COMMAND, actor="command")
    return [request_run(request=request, origin=origin).run for _ in range(count)]


def are_in_a_step(runs: list[Run]) -> bool:
    return all(Step.objects.filter(attempt__run=run, index=2, finished_at=None).exists() for run in runs)


def have_ended(runs: list[Run]) -> bool:
    return set(states(runs)) <= TERMINAL_RUNS


def states(runs: list[Run]) -> list[str]:
    return list(Run.objects.filter(pk__in=[run.pk for run in runs]).values_list("state", flat=True))


def test_a_shared_browser_killed_under_four_attempts_costs_none_of_them(start, practice_site):
    node = start(f"--processes={ATTEMPTS}")
    practice_site.switch_faults("delay:600")
    runs = ask(practice_site, ATTEMPTS)
    wait_until(partial(are_in_a_step, runs), READY_SECONDS, what="four attempts in a step")

    practice_site.switch_faults()
    node.find("browser_keeper/browser").kill()

    wait_until(partial(have_ended, runs), READY_SECONDS * 2, what="the runs' end")
    assert states(runs) == [RunState.SUCCEEDED] * ATTEMPTS
    for run in runs:
        first, second = Attempt.objects.filter(run=run)
        assert (first.failure_kind, first.free) == ("browser_crash", True), first.failure_message
        assert second.state == "succeeded"


@pytest.mark.slow
def test_a_keeper_that_hangs_is_replaced_and_the_work_goes_on(start, practice_site):
    node = start("--processes=1")
    first = ask(practice_site, 1)
    wait_until(partial(have_ended, first), READY_SECONDS, what="a run's end")
    keeper = node.find("browser_keeper")
    below = keeper.children(recursive=True)

    keeper.suspend()
    second = ask(practice_site, 1)

    wait_until(partial(have_ended, second), READY_SECONDS * 2, what="the end of a run that had to wait")
    assert states(first + second) == [RunState.SUCCEEDED] * 2
    assert psutil.wait_procs([keeper, *below], timeout=15)[1] == []
