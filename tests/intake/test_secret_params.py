"""A webhook cannot bring a secret param: its trigger is not saved, and what matches says why it starts nothing."""

from __future__ import annotations

import pytest

from intake import tasks
from intake.errors import IntakeInvalidError
from intake.models import Match
from intake.services.triggers import input_of, try_trigger
from intake.states import MatchState
from runs.models import Run
from tests.support import intake, sample
from tests.support.secret_sample import OptionalSecretSample, SecretSample

pytestmark = pytest.mark.django_db
MAPPING = "{city: city, spare: ref}"


def test_a_trigger_of_secret_params_is_not_saved_and_points_to_credentials(source, monkeypatch) -> None:
    version = sample.install(monkeypatch, SecretSample)

    with pytest.raises(IntakeInvalidError, match="credential") as caught:
        intake.trigger(source, version)

    assert [problem.field for problem in caught.value.problems] == ["automation"]


def test_a_match_fails_with_the_reason_when_a_new_version_adds_a_secret_param(
    source, version, monkeypatch
) -> None:
    intake.trigger(source, version, mapping="{city: city}")
    sample.install(monkeypatch, SecretSample)
    intake.stored()

    tasks.route_events()

    match = Match.objects.get()
    assert (match.state, "credential" in match.reason) == (MatchState.BAD_PARAMS, True)
    assert not Run.objects.exists()


def test_what_an_event_says_becomes_no_secret_param(source, monkeypatch) -> None:
    trigger = intake.trigger(source, sample.install(monkeypatch, OptionalSecretSample), mapping=MAPPING)
    intake.stored()

    tasks.route_events()

    (trial,) = try_trigger(wanted=input_of(trigger))
    assert Match.objects.get().reason == trial.problem
    assert "spare: It is a secret" in trial.problem
