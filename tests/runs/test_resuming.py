"""Where a run is taken up again: by its next attempt, or by a rerun that begins with a later stage."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from infra_shared.clock import utc_now
from infra_shared.database import database_now
from runs.errors import InvalidRequestError
from runs.models import Attempt, Checkpoint, Run
from runs.services import outcomes, recording, resuming
from runs.services.reruns import rerun
from tests.support import sample
from webgraph import checkpoint
from webgraph.errors import FailureKind
from webgraph.recorder import Effect, Resumed, StageEnd, StageStart, StepIntent

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from runs.services.claims import Claim

FAILED = outcomes.Failure(kind=FailureKind.AUTH, message="Refused.", permanent=True, stage="order")


def taken(word: str = "secret-cookie", position: int = 1, stage: str = "look") -> checkpoint.Checkpoint:
    """A checkpoint behind a stage."""
    return checkpoint.Checkpoint(
        position=position,
        stage=stage,
        state={"rows": [1]},
        url="http://shop/",
        page={"place": "http://shop/", "headings": [], "fields": {}},
        storage_state={"cookies": [{"name": "s", "value": word}], "origins": []},
        session_storage={},
    )


def finish_stage(claim: Claim, at: checkpoint.Checkpoint) -> None:
    """End a stage with its checkpoint."""
    end = StageEnd(
        position=at.position,
        name=at.stage,
        succeeded=True,
        finished_at=utc_now(),
        url="",
        state=at.state,
        checkpoint=at,
    )
    recording.stage_finished(claim=claim, stage=end)


def failed_after_look(version: AutomationVersion) -> Run:
    """A run that failed for good behind its first stage."""
    run, claim = sample.claimed_run(version)
    finish_stage(claim, taken())
    outcomes.finish_failed(claim=claim, failure=FAILED)
    return Run.objects.get(pk=run.pk)


def test_the_next_attempt_goes_on_after_the_newest_checkpoint_which_is_encrypted(
    version: AutomationVersion,
) -> None:
    run, claim = sample.claimed_run(version)
    finish_stage(claim, taken("old-cookie"))
    finish_stage(claim, taken())

    assert resuming.resume_point(run=run) == taken()
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM runs_checkpoint")
        assert "secret-cookie" not in str(cursor.fetchall())


def test_a_checkpoint_no_key_opens_any_more_is_none(version: AutomationVersion, settings) -> None:
    run, claim = sample.claimed_run(version)
    finish_stage(claim, taken())
    settings.FIELD_ENCRYPTION_KEYS = ["5Ik1s5Vg3dQ0zDPMnPp8wgVXTWdqp9Kv3bBJ5uYvYjg="]

    assert resuming.resume_point(run=run) is None


def test_an_attempt_says_after_which_other_one_it_went_on(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    finish_stage(claim, taken())

    recording.resumed(claim=claim, item=Resumed(position=1, stage="look", refusal="the page is another one"))

    attempt = Attempt.objects.get(pk=claim.attempt.pk)
    assert (attempt.resumed_from, attempt.resumed_after) == (attempt, "")
    assert attempt.resume_refusal == "the page is another one"


def test_a_success_erases_the_checkpoints_and_a_failure_keeps_them_for_some_days(
    version: AutomationVersion, settings
) -> None:
    run, claim = sample.claimed_run(version)
    finish_stage(claim, taken())
    outcomes.finish_succeeded(claim=claim, result={})
    assert not Checkpoint.objects.filter(run=run).exists()

    failed = failed_after_look(version)
    assert resuming.erase_old() == 0
    days = timedelta(days=settings.CHECKPOINT_DAYS, seconds=1)
    Run.objects.filter(pk=failed.pk).update(finished_at=database_now() - days)

    assert resuming.erase_old() == 1


def test_a_rerun_begins_with_a_later_stage_where_the_failed_run_left_off(version: AutomationVersion) -> None:
    failed = failed_after_look(version)
    assert [stage["name"] for stage in resuming.stages_to_rerun_from(run=failed)] == ["order"]

    made = rerun(run=failed, origin=sample.OPERATOR, from_stage="order").run

    assert (made.from_stage, resuming.resume_point(run=made)) == ("order", taken())


@pytest.mark.parametrize("stage", ["look", "pay"])
def test_a_rerun_cannot_begin_where_nothing_is_kept(stage: str, version: AutomationVersion) -> None:
    failed = failed_after_look(version)

    with pytest.raises(InvalidRequestError, match="begin with order"):
        rerun(run=failed, origin=sample.OPERATOR, from_stage=stage)


def test_stages_that_are_not_done_again_keep_their_params(version: AutomationVersion) -> None:
    failed = failed_after_look(version)

    with pytest.raises(InvalidRequestError, match="other params"):
        rerun(run=failed, origin=sample.OPERATOR, params={"city": "Oslo"}, from_stage="order")


def test_a_commit_of_the_run_it_repeats_is_not_done_again_by_a_rerun_that_starts_over(
    version: AutomationVersion,
) -> None:
    first = _failed_behind_a_commit(version)
    made = rerun(run=first, origin=sample.OPERATOR, from_stage="order").run
    claim = sample.claim_now(made, version)
    start = StageStart(position=1, name="look", effect=Effect.COMMIT, started_at=utc_now())

    standing = recording.stage_started(claim=claim, stage=start)

    assert standing is not None
    assert standing.run_id == first.pk


def _failed_behind_a_commit(version: AutomationVersion) -> Run:
    run, claim = sample.claimed_run(version)
    start = StageStart(position=1, name="look", effect=Effect.COMMIT, started_at=utc_now())
    assert recording.stage_started(claim=claim, stage=start) is None
    step = StepIntent(
        index=1, stage="look", action="click", description="", target=None, url="", started_at=utc_now()
    )
    recording.step_started(claim=claim, step=step)
    finish_stage(claim, taken())
    outcomes.finish_failed(claim=claim, failure=FAILED)
    return Run.objects.get(pk=run.pk)
