"""Login single-flight for real: many runs on the worker processes of a node, against a site strict about codes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from automations.models import Customer
from automations.services.credentials import Binding, set_credential
from infra_shared.models import SignedInSession
from runs.models import Attempt, Run, WorkerProcess
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import TERMINAL_RUNS, Cause, RunState
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until
from webgraph.practice_site.accounts import DEMO_PASSWORD
from webgraph.practice_site.staff import STAFF_SEED, STAFF_USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.node import NodeUnderTest
    from tests.support.site import PracticeSite

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
PROCESSES = 4
STAFF = {"username": STAFF_USERNAME, "password": DEMO_PASSWORD, "totp_seed": STAFF_SEED}


@pytest.fixture
def start(
    start_node: Callable[..., NodeUnderTest], practice_site: PracticeSite
) -> Callable[..., NodeUnderTest]:
    """Start a node that may visit the practice site and knows the staff's credential."""
    Customer.objects.get_or_create(key="main")
    binding = Binding(sites=[practice_site.url])
    set_credential(name="practice-staff", fields=STAFF, binding=binding, actor="command")
    return partial(
        start_node,
        "--no-chores",
        f"--processes={PROCESSES}",
        BROWSER_ALLOW_PRIVATE=practice_site.host_and_port,
    )


def ask(practice_site: PracticeSite, count: int) -> list[Run]:
    """So many runs at once, for as many worker processes as there are."""
    wait_until(lambda: WorkerProcess.objects.count() == PROCESSES, READY_SECONDS, what="the worker processes")
    request = RunRequest(automation="practice-statements", params={"base_url": practice_site.url})
    origin = Origin(cause=Cause.COMMAND, actor="command")
    return [request_run(request=request, origin=origin).run for _ in range(count)]


def states(runs: list[Run]) -> list[str]:
    return list(Run.objects.filter(pk__in=[run.pk for run in runs]).values_list("state", flat=True))


def has_one_login_for_all(site: PracticeSite, runs: list[Run]) -> None:
    """Wait for the runs' end, and check that all succeeded by one login."""
    wait_until(lambda: set(states(runs)) <= TERMINAL_RUNS, READY_SECONDS * 2, what="the runs' end")
    assert states(runs) == [RunState.SUCCEEDED] * len(runs), list(
        Run.objects.exclude(failure_message="").values_list("failure_message", flat=True)
    )
    staff = site.truth()["staff"]
    assert (staff["sign_ins"], staff["failed_sign_ins"]) == (1, 0)
    told = list(Attempt.objects.filter(state="succeeded").values_list("session", flat=True))
    assert sorted(told) == ["cached"] * (len(runs) - 1) + ["fresh"]


@pytest.mark.parametrize("count", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_single_flight_many_runs_at_once_sign_in_once_and_all_succeed(start, practice_site, count):
    start()

    runs = ask(practice_site, count)

    has_one_login_for_all(practice_site, runs)


@pytest.mark.slow
def test_single_flight_a_killed_login_is_handed_over_to_another_run(start, practice_site):
    start(LEASE_SECONDS="3")
    practice_site.switch_faults("delay:600")
    runs = ask(practice_site, PROCESSES)
    wait_until(
        lambda: Attempt.objects.filter(state="running", steps__index=1).exists(),
        READY_SECONDS,
        what="a login",
    )
    (signing_in,) = Attempt.objects.filter(state="running").select_related("worker")
    assert SignedInSession.objects.get().holder == f"attempt:{signing_in.pk}"

    assert signing_in.worker is not None
    psutil.Process(signing_in.worker.pid).kill()
    practice_site.switch_faults()

    has_one_login_for_all(practice_site, runs)
    signing_in.refresh_from_db()
    assert signing_in.state == "lost"
