"""Without a server, one file is enough to go on after a run that broke off, and not to do twice what counts once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.clock import utc_now
from webgraph.checkpoint import Checkpoint
from webgraph.checkpoint_file import CheckpointFile, UnfinishedCommitError
from webgraph.recorder import Effect, Happened, StageEnd, StageStart

if TYPE_CHECKING:
    from pathlib import Path

JOB = ["pay", {"amount": 7}]
LEFT = Checkpoint(
    position=1,
    stage="pay",
    state={"paid": True},
    url="http://shop/paid",
    page={"place": "http://shop/paid", "headings": [], "fields": {}},
    storage_state={"cookies": [], "origins": []},
    session_storage={},
)


def began(effect: Effect = Effect.COMMIT) -> StageStart:
    return StageStart(position=1, name="pay", effect=effect, started_at=utc_now())


def ended(checkpoint: Checkpoint | None = LEFT) -> StageEnd:
    return StageEnd(
        position=1,
        name="pay",
        succeeded=True,
        finished_at=utc_now(),
        url="",
        state={"paid": True},
        checkpoint=checkpoint,
    )


def test_a_finished_stage_is_gone_on_after_and_its_commit_left_out(tmp_path: Path):
    path = tmp_path / "kept.json"
    first = CheckpointFile(path, asked=JOB)
    assert first.begin(began()) is None
    first.end(ended())

    later = CheckpointFile(path, asked=JOB)

    assert later.read() == LEFT
    answer = later.begin(began())
    assert isinstance(answer, Happened)
    assert (answer.state, answer.url) == ({"paid": True}, "http://shop/paid")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_commit_nobody_saw_the_end_of_is_not_gone_on_after(tmp_path: Path):
    CheckpointFile(tmp_path / "kept.json", asked=JOB).begin(began())

    with pytest.raises(UnfinishedCommitError, match="pay"):
        CheckpointFile(tmp_path / "kept.json", asked=JOB).read()


def test_stages_that_may_be_repeated_leave_nothing_but_their_checkpoint(tmp_path: Path):
    kept = CheckpointFile(tmp_path / "kept.json", asked=JOB)

    assert kept.begin(began(Effect.READ)) is None
    kept.end(ended(None))

    assert CheckpointFile(tmp_path / "kept.json", asked=JOB).read() is None


def test_the_checkpoint_of_another_job_is_none(tmp_path: Path):
    CheckpointFile(tmp_path / "kept.json", asked=JOB).end(ended())

    with pytest.raises(ValueError, match="other params"):
        CheckpointFile(tmp_path / "kept.json", asked=["pay", {"amount": 8}]).read()


def test_another_file_is_refused(tmp_path: Path):
    path = tmp_path / "kept.json"
    path.write_text("[]")

    with pytest.raises(ValueError, match="holds no checkpoint"):
        CheckpointFile(path, asked=JOB).read()
