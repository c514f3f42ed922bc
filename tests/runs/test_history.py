"""Past runs written in bulk look like runs that happened."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from automations.models import HealProposal
from automations.services.source_places import places_of
from runs.models import AutomationHealth, FailureFamily, HourFigures, Run, Transition
from runs.services.answers import answer_commit
from runs.states import FAILED_RUNS, RUN_MOVES, RunState


@pytest.fixture
def seeded(db: None) -> None:
    """A history of 120 runs and one that waits for a person."""
    call_command("demo", "seed", "--runs", "120", stdout=io.StringIO())


def test_the_figures_add_up_to_the_runs(seeded: None) -> None:
    counted = HourFigures.objects.all()
    failures = Run.objects.filter(state__in=FAILED_RUNS).count()

    assert sum(row.failed for row in counted) == failures
    assert sum(row.succeeded for row in counted) == Run.objects.filter(state="succeeded").count()
    assert sum(family.count for family in FailureFamily.objects.all()) == failures
    assert all(len(row.recent) <= 20 for row in AutomationHealth.objects.all())


def test_every_move_of_the_history_is_legal_and_ends_where_the_run_is(seeded: None) -> None:
    for run in Run.objects.all():
        moves = list(Transition.objects.filter(run=run, attempt__isnull=True))
        assert moves[-1].to_state == run.state
        assert all(RunState(move.to_state) in RUN_MOVES[RunState(move.from_state)] for move in moves[1:])


def test_ids_order_the_history_by_time(seeded: None) -> None:
    runs = list(Run.objects.newest_first())

    assert runs == sorted(runs, key=lambda run: run.created_at, reverse=True)


def test_the_run_that_waits_can_be_answered(seeded: None) -> None:
    waiting = Run.objects.get(state=RunState.WAITING_INPUT)

    run = answer_commit(run=waiting, happened=True, note="it is there", actor="operator:anna")

    assert run.state == RunState.SUCCEEDED


def test_the_seed_proposes_heals_that_recent_successes_agree_with(seeded: None) -> None:
    proposals = HealProposal.objects.open().filter(automation__key="practice-invoices")

    assert {row.description for row in proposals} == {"Click “Sign in”", "Download from “Download CSV”"}
    assert all(row.agreed > 1 and Run.objects.get(pk=row.last_run).state == "succeeded" for row in proposals)
    for row in proposals:
        assert places_of(row.version, old=row.old_target, new=row.new_target)
