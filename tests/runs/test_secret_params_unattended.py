"""What starts by itself has nobody to type a secret: schedules say so when they are saved, resumed, fired and filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automations.errors import ScheduleInvalidError
from automations.services import schedules
from runs.errors import BackfillRefusedError
from runs.models import Occurrence, Run
from runs.services import backfills, scheduling
from tests.support import sample
from tests.support.schedules import ACTOR, make, put_behind
from tests.support.secret_sample import PIN, OptionalSecretSample, SecretSample

if TYPE_CHECKING:
    from automations.models import AutomationVersion, Schedule

DATED = {"city": "{{ fire_at:%A }}"}


@pytest.fixture
def schedule(version: AutomationVersion, monkeypatch: pytest.MonkeyPatch) -> Schedule:
    """A schedule whose automation wants a PIN since it was saved."""
    saved = make(params=DATED)
    sample.install(monkeypatch, SecretSample)
    saved.refresh_from_db()
    return saved


@pytest.mark.parametrize("params", [{"city": "Riga"}, {"city": "Riga", "pin": PIN}])
def test_a_schedule_of_secret_params_is_not_saved_and_points_to_credentials(
    params: dict[str, str], db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.install(monkeypatch, SecretSample)

    with pytest.raises(ScheduleInvalidError, match="credential") as caught:
        make(params=params)

    assert [problem.field for problem in caught.value.problems] == ["params.pin"]
    assert PIN not in str(caught.value)


def test_a_paused_schedule_is_not_resumed_when_secret_params_are_needed_by_then(schedule: Schedule) -> None:
    schedules.pause_schedule(schedule=schedule, reason="", actor=ACTOR)

    with pytest.raises(ScheduleInvalidError, match="credential"):
        schedules.resume_schedule(schedule=schedule, actor=ACTOR)


def test_a_time_is_refused_with_the_reason_when_a_new_version_adds_a_secret_param(schedule: Schedule) -> None:
    put_behind(schedule, 1)

    assert scheduling.fire_due_schedules() == 0

    occurrence = Occurrence.objects.get()
    assert (occurrence.state, "credential" in occurrence.reason) == ("refused", True)
    assert not Run.objects.exists()


def test_a_schedule_leaves_out_a_secret_param_that_is_not_needed(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.install(monkeypatch, OptionalSecretSample)
    put_behind(make(), 1)

    assert scheduling.fire_due_schedules() == 1

    assert Run.objects.get().params == {"city": "Riga", "pin": "none", "spare": None}


def test_a_backfill_is_refused_when_secret_params_are_needed(schedule: Schedule) -> None:
    begin = put_behind(schedule, 5)

    with pytest.raises(BackfillRefusedError, match="credential"):
        backfills.plan_backfill(schedule=schedule, begin=begin, end=schedule.planned_until)
