"""The witness notes each write of an attempt and tells one that a fence should have refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from benchmarks._chaos import witness
from infra_shared.database import database_now
from runs.models import Attempt, Run, Step
from runs.services import outcomes
from runs.states import AttemptState, RunState
from tests.support import sample

if TYPE_CHECKING:
    from runs.services.claims import Claim


class OfTheTest:
    """The database of the test, inside its transaction."""

    vendor = connection.vendor

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def run(self, *statements: str) -> int:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        return 0


@pytest.fixture
def database(db: None) -> OfTheTest:
    found = OfTheTest()
    witness.install(found)
    return found


@pytest.fixture
def claim(database: OfTheTest, monkeypatch: pytest.MonkeyPatch) -> Claim:
    """An attempt that was claimed while the witness looked on."""
    return sample.claimed_run(sample.install(monkeypatch))[1]


def write_a_step(claim: Claim, index: int) -> None:
    Step.objects.create(
        attempt=claim.attempt, index=index, stage="work", action="click", started_at=database_now()
    )


def test_what_happens_in_order_is_noted_and_nothing_of_it_is_stale(database, claim):
    write_a_step(claim, 1)
    outcomes.finish_succeeded(claim=claim, result={})

    seen = witness.notes(database)

    assert [(note.what, note.state, note.to_state) for note in seen] == [
        ("runs_attempt", "queued", "running"),
        ("runs_step", "running", ""),
        ("runs_attempt", "running", "succeeded"),
    ]
    assert witness.stale(seen) == []


def test_a_step_written_after_the_end_is_stale(database, claim):
    outcomes.finish_succeeded(claim=claim, result={})

    write_a_step(claim, 1)

    assert [note.what for note in witness.stale(witness.notes(database))] == ["runs_step"]


def test_an_end_written_twice_is_stale(database, claim):
    outcomes.finish_succeeded(claim=claim, result={})
    now = database_now()

    Attempt.objects.filter(pk=claim.attempt.pk).update(state=AttemptState.FAILED, finished_at=now)
    Run.objects.filter(pk=claim.attempt.run_id).update(state=RunState.FAILED, finished_at=now)

    stale = witness.stale(witness.notes(database))
    assert [note.what for note in stale] == ["runs_attempt", "runs_run"]


def test_a_second_claim_and_a_fence_that_goes_back_are_stale(database, claim):
    Attempt.objects.filter(pk=claim.attempt.pk).update(fence=claim.fence + 1)
    Attempt.objects.filter(pk=claim.attempt.pk).update(fence=claim.fence)

    assert len(witness.stale(witness.notes(database))) == 2
