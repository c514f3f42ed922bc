"""Many runs cancelled or rerun by one order."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django_q.models import OrmQ

from infra_shared.models import AuditLine
from runs.errors import InvalidRequestError
from runs.models import BulkItem, BulkKind, BulkOrder, Run
from runs.services import bulk_work, outcomes
from runs.services.bulk_orders import BulkRequest, give_bulk_order, plan_bulk
from runs.services.cancelling import cancel_run
from runs.services.run_filter import RunFilter
from runs.states import RunState
from tests.support import sample
from webgraph.errors import FailureKind

FIRST = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def order(version):
    """Give an order about the sample's runs: `order(BulkKind.CANCEL)`."""

    def give(kind, **conditions):
        wanted = RunFilter(automation="sample", **conditions)
        return give_bulk_order(BulkRequest(kind=kind, filter=wanted, actor="operator:anna")).order

    return give


def failed_run(version) -> Run:
    run, claim = sample.claimed_run(version)
    failure = outcomes.Failure(kind=FailureKind.AUTH, message="Wrong password.", permanent=True)
    outcomes.finish_failed(claim=claim, failure=failure)
    return run


def finish(order: BulkOrder) -> BulkOrder:
    done = bulk_work.work_on(order_id=order.pk)
    assert done is not None
    assert done.finished_at is not None
    return done


def test_an_order_cancels_what_it_named_and_nothing_that_came_later(version, order):
    waiting = [sample.ask() for _ in range(3)]
    given = order(BulkKind.CANCEL)
    later = sample.ask()

    done = finish(given)

    assert (done.total, done.done, done.skipped, done.failed) == (3, 3, 0, 0)
    assert {Run.objects.get(pk=run.pk).state for run in waiting} == {RunState.CANCELLED}
    assert Run.objects.get(pk=later.pk).state == RunState.QUEUED
    assert AuditLine.objects.filter(action="run.cancel", actor="operator:anna").count() == 3


def test_looking_first_counts_and_writes_nothing(version):
    runs = [sample.ask() for _ in range(2)]
    wanted = RunFilter(automation="sample")

    plan = plan_bulk(BulkRequest(kind=BulkKind.CANCEL, filter=wanted, actor="operator:anna"))

    assert (plan.total, plan.by_state) == (2, {"queued": 2})
    assert [run.pk for run in plan.sample] == [run.pk for run in reversed(runs)]
    assert not BulkOrder.objects.exists()


def test_the_same_rerun_ordered_twice_makes_nothing_twice(version, order):
    failed = [failed_run(version) for _ in range(2)]
    first, second = order(BulkKind.RERUN), order(BulkKind.RERUN)

    finish(first)
    done = finish(second)

    assert (done.done, done.skipped) == (0, 2)
    assert set(BulkItem.objects.filter(order=second).values_list("reason", flat=True)) == {
        "It was rerun already."
    }
    assert [Run.objects.get(pk=run.pk).reruns.count() for run in failed] == [1, 1]


def test_a_piece_that_died_in_the_middle_is_gone_on_with_and_repeats_nothing(version, order, monkeypatch):
    for _ in range(3):
        failed_run(version)
    given, begun = order(BulkKind.RERUN), []

    def dies_at_the_second(order, run, real=bulk_work._carry_out):
        begun.append(run.pk)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return real(order, run)

    monkeypatch.setattr(bulk_work, "_carry_out", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        bulk_work.work_on(order_id=given.pk)
    assert bulk_work.work_on(order_id=given.pk) is None  # whoever died has it for itself a little longer
    BulkOrder.objects.update(worked_until=None)

    assert finish(given).done == 3
    assert Run.objects.filter(rerun_of__isnull=False).count() == 3


def test_a_long_order_is_done_in_pieces_and_asks_for_the_next_one_itself(version, order):
    for _ in range(3):
        sample.ask()
    given = order(BulkKind.CANCEL)
    OrmQ.objects.all().delete()
    clock = iter(range(100))

    worked = bulk_work.work_on(order_id=given.pk, seconds=2, monotonic=lambda: next(clock))

    assert worked is not None
    assert (worked.handled, worked.finished_at, worked.worked_until) == (1, None, None)
    assert [ticket.key for ticket in OrmQ.objects.all()] == ["chores"]


def test_an_order_whose_ticket_vanished_gets_another(version, order):
    sample.ask()
    given = order(BulkKind.CANCEL)
    OrmQ.objects.all().delete()

    assert bulk_work.continue_orders() == 1
    assert OrmQ.objects.filter(key="chores").count() == 1
    finish(given)
    assert bulk_work.continue_orders() == 0


def test_a_run_that_ended_meanwhile_is_skipped_with_the_reason(version, order):
    run = sample.ask()
    given = order(BulkKind.CANCEL)
    cancel_run(run=run, actor="operator:ben")

    bulk_work._handle(given, run.pk)  # as after a list read just before

    item = BulkItem.objects.get(order=given)
    assert (item.outcome, item.reason) == ("skipped", "The run has already ended as cancelled.")


def test_a_rerun_without_states_is_about_failures_alone(version, order):
    failed_run(version)
    cancelled = sample.ask()
    cancel_run(run=cancelled, actor="operator:anna")

    assert order(BulkKind.RERUN).total == 1
    assert order(BulkKind.RERUN, states=("cancelled",)).total == 1


def test_an_order_without_any_condition_is_refused(version):
    with pytest.raises(InvalidRequestError, match="Say which runs"):
        plan_bulk(BulkRequest(kind=BulkKind.CANCEL, filter=RunFilter(), actor="operator:anna"))


def test_the_command_looks_first_and_acts_with_yes(version):
    run, out = sample.ask(), io.StringIO()

    call_command("runs", "bulk-cancel", "--automation", "sample", stdout=out)
    assert "Nothing was done" in out.getvalue()
    assert Run.objects.get(pk=run.pk).state == RunState.QUEUED
    call_command("runs", "bulk-cancel", "--automation", "sample", "--yes", stdout=out)

    assert "1 done, 0 skipped, 0 failed" in out.getvalue()
    assert Run.objects.get(pk=run.pk).state == RunState.CANCELLED
    with pytest.raises(CommandError, match="Say which runs"):
        call_command("runs", "bulk-cancel")


def test_a_filter_is_kept_as_it_was_given():
    wanted = RunFilter(states=("failed", "timed_out"), automation="sample", created_after=FIRST)

    assert RunFilter.from_json(wanted.as_json()) == wanted
