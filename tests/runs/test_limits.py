"""Limits: how many attempts are under way at once, for whatever a run counts against, and in which order they wait."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError, connection, transaction

from automations.models import Customer
from infra_shared.database import database_now
from infra_shared.models import AuditLine
from runs.errors import InvalidRequestError
from runs.models import Attempt, Demand, Limit, Run, Site, Slot
from runs.services import dispatching, turns
from runs.services.limits import remove_limit, set_limit
from runs.states import RunState
from tests.support import counted, sample
from tests.support.counted import BANK, SHOP

if TYPE_CHECKING:
    from collections.abc import Callable

ACTOR = "operator:anna"
MANY = 150
"""More than one look takes in at once."""


def _limit(key: str, most: int) -> Limit:
    return set_limit(key=key, most=most, starts_per_minute=None, actor=ACTOR)


def _wait_longer_than_patience() -> None:
    past = database_now() - turns.PATIENCE - timedelta(seconds=1)
    Attempt.objects.filter(ticketed_at=None).update(due_at=past)


def test_a_run_counts_against_its_sites_and_the_keys_its_automation_computes(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    counted.install(monkeypatch)

    run = counted.ask("7", pay=True)

    demands = dict(Demand.objects.filter(run=run).values_list("key", "most"))
    assert demands == {SHOP: None, BANK: None, "key:account-7": 1}


def test_an_automation_that_cannot_say_what_it_counts_against_is_told_to_who_asked(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    counted.install(monkeypatch)
    monkeypatch.setattr(counted.Counted, "slot_keys", classmethod(lambda _cls, _params: {"": 1}))

    with pytest.raises(InvalidRequestError, match="cannot say"):
        counted.ask()

    assert not Run.objects.exists()


def test_two_runs_of_one_account_run_one_after_the_other(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    counted.install(monkeypatch, processes=3)
    first, second, other = counted.ask("7"), counted.ask("7"), counted.ask("8")

    assert counted.dispatched() == [first, other]

    second.refresh_from_db()
    assert second.state == RunState.WAITING_SLOT
    assert second.state_reason == "The limit of the key account-7 is full."


@pytest.mark.parametrize("key", [SHOP, "customer:main", "automation:sample", "key:account-7"])
def test_what_an_operator_sets_goes_before_what_is_declared(
    key: str, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    counted.install(monkeypatch, processes=3)
    for _ in range(3):
        counted.ask("7")

    limit = _limit(key, 2)
    _limit("key:account-7", 2)

    assert len(counted.dispatched()) == 2
    assert AuditLine.objects.filter(action="limit.set", object_id=limit.key).exists()


def test_a_limit_that_is_removed_lets_the_declared_one_count_again(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    counted.install(monkeypatch, processes=2)
    remove_limit(limit=_limit("key:account-7", 2), actor=ACTOR)
    counted.ask("7")
    counted.ask("7")

    assert len(counted.dispatched()) == 1


def test_a_limit_that_is_lowered_takes_no_slot_away_and_gives_none_until_there_is_room(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    counted.install(monkeypatch, processes=3)
    _limit(SHOP, 2)
    claims = [counted.begun(counted.ask()) for _ in range(2)]
    _limit(SHOP, 1)
    waiting = counted.ask()

    counted.succeed(claims[0])
    assert waiting not in counted.dispatched()

    counted.succeed(claims[1])
    assert waiting in counted.dispatched()


def test_all_slots_are_taken_or_none(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    counted.install(monkeypatch, processes=3)
    _limit(BANK, 1)
    _limit(SHOP, 5)
    counted.ask(pay=True)
    second = counted.ask(pay=True)

    counted.dispatched()

    assert not Slot.objects.filter(attempt__run=second).exists()
    assert Slot.objects.filter(key=SHOP).count() == 1


def test_a_freed_slot_wakes_the_next_in_turn_in_the_same_transaction(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    counted.install(monkeypatch)
    claim = counted.begun(counted.ask("7"))
    later, urgent = counted.ask("7"), counted.ask("7", priority=5)
    counted.dispatched()

    with transaction.atomic():
        counted.succeed(claim)
        assert Slot.objects.get().attempt.run == urgent
        assert urgent.attempts.get().ticketed_at is not None
        transaction.set_rollback(True)

    assert Slot.objects.get().attempt == claim.attempt
    assert later.attempts.get().ticketed_at is None


def test_many_that_wait_for_one_full_key_hide_nobody(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    counted.install(monkeypatch, processes=2)
    first = counted.ask("7")
    for _ in range(MANY):
        counted.ask("7", priority=9)
    free = counted.ask("8")
    Attempt.objects.filter(run=first).update(priority=10)

    assert counted.dispatched() == [first, free]


def test_what_waits_for_several_slots_is_not_overtaken_for_ever(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    counted.install(monkeypatch, processes=3)
    _limit(SHOP, 1)
    holder = counted.begun(counted.ask("1"))
    both = counted.ask("7")
    counted.dispatched()
    _wait_longer_than_patience()
    Demand.objects.filter(run=(single := counted.ask("7")), key=SHOP).delete()

    assert single not in counted.dispatched()
    counted.succeed(holder)

    assert both.attempts.get().ticketed_at is not None


def test_a_lost_ticket_of_one_that_fills_its_limit_is_made_again(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    counted.install(monkeypatch)
    counted.ask("7")
    counted.dispatched()
    Attempt.objects.update(ticketed_at=database_now() - dispatching.TICKET_LIFE - timedelta(seconds=1))

    assert dispatching.dispatch_due_attempts() == 1


def test_starts_on_a_site_are_spaced(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    counted.install(monkeypatch, processes=3)
    set_limit(key=SHOP, most=None, starts_per_minute=6, actor=ACTOR)
    counted.ask()
    counted.ask()

    assert len(counted.dispatched()) == 1
    next_start_at = Site.objects.get().next_start_at
    assert next_start_at is not None
    assert timedelta(seconds=5) < next_start_at - database_now() <= timedelta(seconds=10)
    Site.objects.update(next_start_at=database_now())
    assert len(counted.dispatched()) == 2


@pytest.mark.parametrize(
    ("key", "most", "pace", "field"),
    [
        ("shop", 1, None, "key"),
        ("site:shop", 1, None, "key"),
        (SHOP, None, None, "most"),
        (SHOP, 0, None, "most"),
        (SHOP, 3_000_000_000, None, "most"),
        (SHOP, None, 10**20, "starts_per_minute"),
        ("customer:main", None, 5, "starts_per_minute"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(
    key: str, most: int | None, pace: int | None, field: str, db: None
) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        set_limit(key=key, most=most, starts_per_minute=pace, actor=ACTOR)

    assert refusal.value.field == field


@pytest.mark.django_db(transaction=True)
def test_several_dispatchers_at_once_never_exceed_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    counted.install(monkeypatch, processes=12)
    Customer.objects.get_or_create(key="main")
    _limit(SHOP, 3)
    for number in range(12):
        counted.ask(str(number % 4), pay=number % 2 == 0)

    _at_once(4, dispatching.dispatch_due_attempts)

    held = Slot.objects.filter(key=SHOP).values_list("attempt", flat=True)
    ticketed = Attempt.objects.filter(ticketed_at__isnull=False)
    assert len(held) == 3
    assert set(ticketed.values_list("pk", flat=True)) == set(held)
    assert Slot.objects.filter(key__startswith="key:").count() == 3


def _at_once(count: int, work: Callable[[], object]) -> None:
    """Do the same in several threads that begin together, again where the database says to."""
    start = threading.Barrier(count)
    failures: list[BaseException] = []

    def run() -> None:
        start.wait()
        try:
            work()
        except OperationalError:  # a lock was not to be had, or a deadlock was broken: the next tick does it
            connection.close()
            work()
        except BaseException as error:  # noqa: BLE001 - told by the test below, in its own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_an_idle_tick_asks_for_nothing_more_than_whether_anything_is_due(
    monkeypatch: pytest.MonkeyPatch, db: None, django_assert_num_queries: Callable[..., object]
) -> None:
    counted.install(monkeypatch)
    _limit(SHOP, 1)

    with django_assert_num_queries(2):  # type: ignore[attr-defined]  # the fixture is a context manager's factory
        dispatching.dispatch_due_attempts()


def test_what_a_sample_declares_nothing_about_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    version = sample.install(monkeypatch)
    sample.start_process(version)
    run = sample.ask()

    assert counted.dispatched() == [run]
    assert not Slot.objects.exists()
