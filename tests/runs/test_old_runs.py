"""Runs that are kept no longer go whole; what must outlive them stays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from infra_shared.database import database_now
from infra_shared.models import Blob, Caller, Deletion
from infra_shared.retention import Order
from infra_shared.services.orphans import sweep_orphans
from infra_shared.services.pruning import prune
from runs.models import (
    Artifact,
    Attempt,
    CommitGuard,
    CommitOutcome,
    FailureFamily,
    HourFigures,
    Occurrence,
    OccurrenceState,
    Question,
    Run,
    Step,
    Transition,
)
from runs.retention_policy import KINDS, RUN, Outcome
from runs.services import recording
from runs.services.answers import pin_run
from runs.services.old_rows import sweep_families, sweep_figures, sweep_occurrences
from runs.services.old_runs import sweep_runs
from runs.services.requests import Origin, RunRequest, request_run
from runs.services.reruns import rerun
from runs.services.retention_rules import set_rule
from runs.services.storage_use import bytes_now, recount
from runs.states import Cause
from tests.support import schedules
from webgraph.recorder import Effect, StageStart

if TYPE_CHECKING:
    from collections.abc import Callable

    from automations.models import AutomationVersion
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
ACTOR = "operator:anna"


def _prune(days: float, sweep: Any = sweep_runs) -> int:
    order = Order(now=database_now() + timedelta(days=days))
    return prune(order, chosen={"it": sweep}).total_rows


def test_an_old_run_is_removed_whole_and_its_counts_stay(runs_factory: RunsFactory) -> None:
    runs_factory.failed()
    runs_factory.succeeded()

    assert _prune(364) == 0
    assert _prune(366) == 2

    for model in (Run, Attempt, Step, Transition, Artifact, Question):
        assert not model._default_manager.exists(), model
    figures = HourFigures.objects.get()
    assert (figures.succeeded, figures.failed) == (1, 1)
    assert FailureFamily.objects.get().last_run is None
    line = Deletion.objects.get()
    assert (line.what, line.rule, line.customer, line.rows) == ("run", "whole run, by age", "main", 2)


def test_what_a_removed_run_had_stored_counts_no_longer(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    recount(now=database_now())
    assert bytes_now()[run.customer_id] > 0

    _prune(366)

    assert bytes_now() == {run.customer_id: 0}


@pytest.mark.parametrize("kind", ["running", "asking", "waiting_for_a_person", "requested"])
def test_a_run_that_has_not_ended_or_waits_for_a_person_is_never_removed(
    kind: str, runs_factory: RunsFactory
) -> None:
    make: Callable[[], Run] = getattr(runs_factory, kind)
    run = make()

    _prune(5000)

    assert Run.objects.filter(pk=run.pk).exists()


def test_a_pinned_run_is_never_removed(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    pin_run(run=run, pinned=True, actor=ACTOR)

    assert _prune(5000) == 0


def test_a_run_with_a_younger_rerun_stays_until_that_is_gone(runs_factory: RunsFactory) -> None:
    first = runs_factory.failed()
    origin = Origin(cause=Cause.RERUN, actor=ACTOR)
    again = rerun(run=first, origin=origin).run

    assert _prune(5000) == 0

    runs_factory.finish(runs_factory.claimed(again))
    assert _prune(5000) == 2


def test_what_happened_once_cannot_happen_again_when_its_run_was_removed(runs_factory: RunsFactory) -> None:
    first = _commit(runs_factory)

    _prune(5000)

    guard = CommitGuard.objects.get()
    assert (guard.run, guard.attempt, guard.removed_run) == (None, None, str(first.pk))
    assert guard.where == f"run {first.short_id}, which is no longer kept"
    standing = CommitGuard.objects.standing().filter(effect_key="invoice-7", stage="work")
    assert standing.get() == guard


def test_a_run_whose_commit_nobody_has_decided_is_never_removed(runs_factory: RunsFactory) -> None:
    run = _commit(runs_factory)
    CommitGuard.objects.update(outcome=CommitOutcome.UNDECIDED, decided_at=None, decided_by="")

    assert _prune(5000) == 0
    assert Run.objects.get() == run


def test_an_idempotency_key_is_remembered_for_a_week_whatever_a_rule_says(runs_factory: RunsFactory) -> None:
    caller = Caller.objects.create(name="ci")
    origin = Origin(cause=Cause.API, actor="caller:ci", caller=caller, idempotency_key="order-1")
    request = RunRequest(automation=runs_factory.version.automation.key, params={"city": "Riga"})
    run = request_run(request=request, origin=origin).run
    runs_factory.finish(runs_factory.claimed(run))
    for kind in KINDS:
        days = 7 if kind == RUN else 1
        set_rule(kind=kind, outcome=Outcome.SUCCEEDED, customer=None, keep_days=days, actor=ACTOR)

    assert _prune(6.9) == 0
    assert request_run(request=request, origin=origin).run == run
    assert _prune(7.1) == 1
    assert request_run(request=request, origin=origin).created


def test_the_occurrence_of_a_removed_run_goes_with_it_and_one_without_a_run_by_its_age(
    runs_factory: RunsFactory, version: AutomationVersion
) -> None:
    now, run = database_now(), runs_factory.succeeded()
    schedule = schedules.make()
    facts: Any = {"schedule": schedule, "handled_at": now}
    Occurrence.objects.create(fire_at=now, state=OccurrenceState.FIRED, run=run, **facts)
    for minutes, state in enumerate((OccurrenceState.SKIPPED, OccurrenceState.WAITING), start=1):
        Occurrence.objects.create(fire_at=now + timedelta(minutes=minutes), state=state, **facts)

    _prune(366)
    assert Occurrence.objects.filter(state=OccurrenceState.FIRED).count() == 0
    assert _prune(366, sweep_occurrences) == 1

    assert Occurrence.objects.get().state == OccurrenceState.WAITING


def test_a_blob_that_several_runs_share_stays_while_one_row_refers_to_it(runs_factory: RunsFactory) -> None:
    old, pinned = runs_factory.succeeded(), runs_factory.succeeded()
    shared = set(old.artifacts.values_list("blob", flat=True))
    assert shared == set(pinned.artifacts.values_list("blob", flat=True))
    pin_run(run=pinned, pinned=True, actor=ACTOR)

    _prune(5000)
    assert _prune(5000, sweep_orphans) == 0
    assert set(Blob.objects.values_list("pk", flat=True)) == shared

    pin_run(run=pinned, pinned=False, actor=ACTOR)
    _prune(5000)
    assert _prune(5000, sweep_orphans) == len(shared)
    assert not Blob.objects.exists()


def test_figures_and_families_outlive_their_runs_and_go_by_their_own_age(runs_factory: RunsFactory) -> None:
    runs_factory.failed()

    assert _prune(749, sweep_figures) == 0
    assert _prune(751, sweep_figures) == 1
    assert _prune(364, sweep_families) == 0
    assert _prune(366, sweep_families) == 1


def test_many_runs_go_in_a_bounded_number_of_statements_for_each_batch(runs_factory: RunsFactory) -> None:
    one = runs_factory.succeeded()
    facts = {
        name: getattr(one, name)
        for name in ("automation", "version", "customer", "evidence_level", "cause", "state", "expires_at")
    }
    ended = {"created_at": one.created_at, "started_at": one.started_at, "finished_at": one.finished_at}
    Run.objects.bulk_create(Run(**facts, **ended) for _ in range(199))

    with CaptureQueriesContext(connection) as asked:
        assert _prune(366) == 200

    assert len(asked) <= 5 * 45


def _commit(runs_factory: RunsFactory) -> Run:
    """A run whose commit happened."""
    claim = runs_factory.claimed()
    start = StageStart(
        position=1, name="work", effect=Effect.COMMIT, started_at=database_now(), effect_key="invoice-7"
    )
    recording.stage_started(claim=claim, stage=start)
    runs_factory.finish(claim)
    return Run.objects.get(pk=claim.attempt.run_id)
