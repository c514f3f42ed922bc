"""Login single-flight across the fleet: who may start, who waits, who takes over, and when nobody tries any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from automations.models import Customer
from infra_shared.database import database_now
from infra_shared.models import Alert, SignedInSession
from infra_shared.sessions.rules import NEVER, Busy, Granted, LockedOut, SessionKey, Wish
from runs.errors import LostClaimError
from runs.models import Attempt, Run, Slot, WorkerProcess
from runs.services import dispatching, outcomes, session_doors
from runs.services.outcomes import Failure
from runs.services.session_desks import desk_for
from runs.states import AttemptState, RunState
from tests.support import sample
from webgraph.errors import FailureKind
from webgraph.flow import stage
from webgraph.session import Probe, Provenance, SessionUse
from webgraph.session import SignedInSession as Declared
from webgraph.session_desk import Signed
from webgraph.target import Target

if TYPE_CHECKING:
    from runs.services.claims import Claim

STATE = Signed({"storage_state": {"cookies": [], "origins": []}, "session_storage": {}, "identity": "x"})


class Member(sample.Sample):
    """Signs in, then looks."""

    max_concurrent = 10
    session = Declared(
        site="shop",
        account="buyer",
        login="sign_in",
        probe=Probe(url="http://shop.test/", target=Target(css="a")),
    )

    @stage(effect="idempotent")
    async def sign_in(self, page: Any) -> None:
        """Sign in."""

    @stage(effect="read")
    async def read(self, page: Any) -> None:
        """Read."""


KEY = SessionKey("main", "shop", ":buyer")


@pytest.fixture
def processes(db, monkeypatch) -> list[WorkerProcess]:
    """Four free worker processes of a node that knows the automation."""
    version = sample.install(monkeypatch, Member)
    return [sample.start_process(version, pid=pid) for pid in range(1, 5)]


def desk_of(claim: Claim):
    desk = desk_for(claim=claim, code=Member, params=claim.attempt.run.params, write=lambda work: work())
    assert desk is not None
    return desk


def ask_for(count: int) -> list[Run]:
    return [sample.ask() for _ in range(count)]


def claimed(run: Run, process: WorkerProcess) -> Claim:
    claim = sample.claim(run, process)
    assert claim is not None
    return claim


def tickets() -> int:
    return Attempt.objects.filter(state=AttemptState.QUEUED, ticketed_at__isnull=False).count()


def fail(claim: Claim, kind: FailureKind = FailureKind.AUTH, at: str = "sign_in") -> None:
    failure = Failure(kind=kind, message="Wrong password.", permanent=True, stage=at)
    outcomes.finish_failed(claim=claim, failure=failure)


def test_single_flight_one_attempt_starts_and_the_others_hold_neither_slot_nor_ticket(processes):
    first, *others = ask_for(4)

    dispatching.dispatch_due_attempts()
    dispatching.dispatch_due_attempts()

    assert tickets() == 1
    assert set(Slot.objects.values_list("attempt__run", flat=True)) == {first.pk}
    for run in others:
        run.refresh_from_db()
        assert run.state == RunState.WAITING_SLOT
        assert "Another run signs in as :buyer at shop." in run.state_reason


def test_single_flight_all_start_together_once_the_login_succeeded(processes):
    first, *_ = ask_for(4)
    dispatching.dispatch_due_attempts()
    desk = desk_of(claimed(first, processes[0]))

    assert isinstance(desk.ask(NEVER), Granted)
    assert desk.signed_in(STATE) == ""

    assert tickets() == 3  # at once, without a tick
    assert Slot.objects.count() == 4


def test_single_flight_a_failed_login_hands_over_to_one_other_run(processes):
    first, *_ = ask_for(4)
    dispatching.dispatch_due_attempts()
    claim = claimed(first, processes[0])
    desk_of(claim).ask(NEVER)

    fail(claim)

    assert tickets() == 1
    assert SignedInSession.objects.get().failures == 1


def test_single_flight_a_lost_worker_hands_the_login_over_and_cannot_store_any_more(processes):
    first, *_ = ask_for(3)
    dispatching.dispatch_due_attempts()
    claim = claimed(first, processes[0])
    desk = desk_of(claim)
    desk.ask(NEVER)
    WorkerProcess.objects.filter(pk=processes[0].pk).update(
        lease_expires_at=database_now() - timedelta(hours=1)
    )

    assert dispatching.reap_lost_attempts() == 1

    assert tickets() == 1
    with pytest.raises(LostClaimError):
        desk.signed_in(STATE)
    heir = Attempt.objects.get(state=AttemptState.QUEUED, ticketed_at__isnull=False)
    assert SignedInSession.objects.get().holder == session_doors.holder_of(heir.pk)
    assert isinstance(desk_of(claimed(heir.run, processes[1])).ask(NEVER), Granted)
    assert SignedInSession.objects.get().failures == 0


def test_single_flight_found_out_late_parks_the_attempt_without_counting_it(processes):
    first, second = ask_for(2)
    session_doors.CACHE.ask(KEY, wish("attempt:0"))
    session_doors.CACHE.store(KEY, fence=1, state=STATE.state or {})
    dispatching.dispatch_due_attempts()
    one, other = claimed(first, processes[0]), claimed(second, processes[1])
    desk = desk_of(one)
    assert isinstance(desk.ask(1), Granted)  # both found it invalid

    assert isinstance(desk_of(other).ask(1), Busy)
    outcomes.finish_parked(claim=other)
    dispatching.dispatch_due_attempts()

    second.refresh_from_db()
    assert (second.state, second.attempts_made) == (RunState.WAITING_SLOT, 0)
    assert Attempt.objects.get(run=second, number=1).free
    assert not Slot.objects.filter(attempt__run=second).exists()
    desk.signed_in(STATE)
    assert Slot.objects.filter(attempt__run=second, attempt__number=2).exists()


def wish(holder: str) -> Wish:
    return Wish(holder=holder, lease=timedelta(minutes=1), max_age=timedelta(hours=8))


def test_a_kept_session_lets_all_runs_of_its_customer_start_and_none_of_another(processes):
    Customer.objects.create(key="other")
    session_doors.CACHE.ask(KEY, wish("attempt:0"))
    session_doors.CACHE.store(KEY, fence=1, state=STATE.state or {})
    ask_for(2)
    stranger = sample.ask(customer="other")

    dispatching.dispatch_due_attempts()

    assert tickets() == 3
    desk = desk_of(claimed(stranger, processes[0]))
    assert desk.current(None) is None
    assert isinstance(desk.ask(NEVER), Granted)


def test_after_too_many_failed_logins_runs_fail_fast_and_one_alert_is_raised(processes, settings):
    settings.SESSION_FAILED_LOGINS = 2
    runs = ask_for(3)
    for run, process in zip(runs[:2], processes, strict=False):
        dispatching.dispatch_due_attempts()
        claim = claimed(run, process)
        desk_of(claim).ask(NEVER)
        fail(claim)
    dispatching.dispatch_due_attempts()

    refusal = desk_of(claimed(runs[2], processes[2])).ask(NEVER)

    assert isinstance(refusal, LockedOut)
    alert = Alert.objects.get(rule="session")
    assert (alert.customer, alert.severity) == ("main", "critical")
    assert "Wrong password." in alert.text


@pytest.mark.parametrize(
    ("kind", "at", "failures"),
    [
        (FailureKind.AUTH, "sign_in", 1),
        (FailureKind.TIMEOUT, "sign_in", 1),
        (FailureKind.NAVIGATION, "sign_in", 0),
        (FailureKind.BROWSER_CRASH, "sign_in", 0),
        (FailureKind.AUTH, "", 0),
    ],
)
def test_what_counts_as_a_failed_login_of_a_session(processes, kind, at, failures):
    (run,) = ask_for(1)
    dispatching.dispatch_due_attempts()
    claim = claimed(run, processes[0])
    desk_of(claim).ask(NEVER)

    fail(claim, kind, at)

    row = SignedInSession.objects.get()
    assert (row.failures, row.holder) == (failures, "")


@pytest.mark.parametrize(("declared", "most"), [(None, 3), (2, 2), (10, 3)])
def test_an_automation_may_allow_fewer_failed_logins_to_its_session_and_no_more(settings, declared, most):
    settings.SESSION_FAILED_LOGINS = 3

    assert session_doors.guard_of(declared).most_failures == most


def test_an_attempt_says_how_it_came_to_be_signed_in_to_its_session(processes):
    (run,) = ask_for(1)
    dispatching.dispatch_due_attempts()
    desk = desk_of(claimed(run, processes[0]))

    desk.used(SessionUse(provenance=Provenance.DEGRADED, note="IndexedDB holds a Blob."))

    attempt = Attempt.objects.get(run=run)
    assert (attempt.session, attempt.session_note) == ("degraded", "IndexedDB holds a Blob.")


def test_an_attempt_that_needs_no_login_lets_others_take_the_session(processes):
    first, _ = ask_for(2)
    dispatching.dispatch_due_attempts()

    desk_of(claimed(first, processes[0])).not_needed(None)

    assert tickets() == 1
    assert session_doors.CACHE.look(KEY).holder == session_doors.holder_of(
        Attempt.objects.get(state=AttemptState.QUEUED).pk
    )


def test_a_kept_session_whose_key_is_gone_is_forgotten_and_signed_in_to_anew(processes, settings):
    session_doors.CACHE.ask(KEY, wish("attempt:0"))
    session_doors.CACHE.store(KEY, fence=1, state=STATE.state or {})
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    (run,) = ask_for(1)
    dispatching.dispatch_due_attempts()
    desk = desk_of(claimed(run, processes[0]))

    assert desk.current(None) is None
    assert isinstance(desk.ask(NEVER), Granted)


def test_the_kept_session_is_encrypted_in_every_column(processes):
    session_doors.CACHE.ask(KEY, wish("attempt:0"))
    session_doors.CACHE.store(KEY, fence=1, state={"cookie": "canary-90210"})

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM infra_shared_signedinsession")
        assert "canary-90210" not in str(cursor.fetchall())
