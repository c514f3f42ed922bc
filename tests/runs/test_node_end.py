"""A node told to end at once, and everything killed at once: what it had in hand is done by the next one."""

from __future__ import annotations

import contextlib
import signal
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from automations.models import Customer
from automations.services.credentials import Binding, set_credential
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
LONG_LEASE = "300"
"""Longer than a test: what goes on before has not waited for a lease to end."""


@pytest.fixture
def start(
    start_node: Callable[..., NodeUnderTest], practice_site: PracticeSite
) -> Callable[..., NodeUnderTest]:
    """Start a node that may visit the practice site."""
    Customer.objects.get_or_create(key="main")
    login = {"username": "demo@practice.example", "password": "practice-only"}
    binding = Binding(sites=[practice_site.url])
    set_credential(name="practice-shop", fields=login, binding=binding, actor="command")
    return partial(start_node, "--processes=2", BROWSER_ALLOW_PRIVATE=practice_site.host_and_port)


def ask_in_mid_run(practice_site: PracticeSite) -> list[Run]:
    """Two runs that are in the middle of their steps."""
    wait_until(lambda: WorkerProcess.objects.count() == 2, READY_SECONDS, what="two worker processes")
    request = RunRequest(automation="practice-invoices", params={"base_url": practice_site.url})
    origin = Origin(cause=Cause.COMMAND, actor="command")
    runs = [request_run(request=request, origin=origin).run for _ in range(2)]
    for run in runs:
        wait_until(partial(is_busy, run), READY_SECONDS, what="steps of a run")
    return runs


def is_busy(run: Run) -> bool:
    return Step.objects.filter(attempt__run=run).count() >= 3


def have_ended(runs: list[Run]) -> bool:
    return set(states(runs)) <= TERMINAL_RUNS


def states(runs: list[Run]) -> list[str]:
    return list(Run.objects.filter(pk__in=[run.pk for run in runs]).values_list("state", flat=True))


@pytest.mark.slow
def test_a_second_signal_gives_back_what_ran_without_counting_it(start, practice_site):
    node = start(LEASE_SECONDS=LONG_LEASE)
    runs = ask_in_mid_run(practice_site)
    tree = node.tree()

    node.signal(signal.SIGTERM)
    node.signal(signal.SIGINT)
    assert node.wait_for_end(30) == 1
    assert psutil.wait_procs(tree, timeout=10)[1] == []
    start(LEASE_SECONDS=LONG_LEASE)

    wait_until(partial(have_ended, runs), READY_SECONDS * 2, what="the runs' end")
    assert states(runs) == [RunState.SUCCEEDED] * 2
    for run in runs:
        ended = list(Attempt.objects.filter(run=run).values_list("state", "free"))
        assert ended == [("cancelled", True), ("succeeded", False)]


def test_everything_killed_at_once_in_mid_run_loses_nothing(start, practice_site):
    node = start(LEASE_SECONDS="4")
    runs = ask_in_mid_run(practice_site)
    tree = node.tree()

    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):  # the kernel takes along what stood below
            process.kill()
    assert psutil.wait_procs(tree, timeout=15)[1] == []
    start(LEASE_SECONDS="4")

    wait_until(partial(have_ended, runs), READY_SECONDS * 2, what="the runs' end")
    assert states(runs) == [RunState.SUCCEEDED] * 2
