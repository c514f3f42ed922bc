"""Replays: a new match and a new run each time somebody asks, and nothing new while the last one is at work."""

from __future__ import annotations

import pytest

from infra_shared.database import database_now
from infra_shared.models import AuditLine
from infra_shared.services import api_keys
from intake import tasks
from intake.errors import IntakeInvalidError, ReplayConflictError, ReplayRefusedError
from intake.models import Event, Replay
from intake.services.event_filter import EventFilter
from intake.services.ledger import conservation
from intake.services.replays import (
    GivenReplay,
    ReplayRequest,
    plan_replays,
    replay_event,
    replay_events,
)
from intake.states import EventState
from runs.models import Run
from runs.services.cancelling import cancel_run
from tests.support import intake

pytestmark = pytest.mark.django_db
ANNA = ReplayRequest(actor="operator:anna", reason="The shop was down.")


def replay(event: Event, request: ReplayRequest = ANNA) -> GivenReplay:
    """Ask for a replay and let it be routed."""
    given = replay_event(event=event, request=request)
    tasks.route_events()
    return given


def end_runs() -> None:
    """Let every run end."""
    for run in Run.objects.unfinished():
        cancel_run(run=run, actor="operator:anna", reason="")


@pytest.fixture
def event(source, version) -> Event:
    """An event that was routed, and whose run ended."""
    intake.trigger(source, version, dedupe_seconds=600)
    event = intake.stored()
    tasks.route_events()
    end_runs()
    return event


def test_a_replay_makes_a_new_match_and_a_new_run_of_the_same_event(event) -> None:
    given = replay(event)

    event.refresh_from_db()
    assert (given.replay.number, event.replay, event.state) == (1, 1, EventState.ROUTED)
    first, second = event.matches.order_by("replay")
    assert first.run != second.run
    assert {run.cause_ref for run in Run.objects.all()} == {f"event:{event.pk}"}
    assert AuditLine.objects.get(action="event.replay").reason == "The shop was down."


def test_pressing_again_while_its_run_is_at_work_makes_nothing_new(event) -> None:
    first = replay_event(event=event, request=ANNA)
    waiting = replay(event)
    running = replay(event)

    assert [given.created for given in (first, waiting, running)] == [True, False, False]
    assert Run.objects.count() == 2

    end_runs()
    assert replay(event).created
    assert Run.objects.count() == 3


def test_the_same_idempotency_key_gives_the_same_replay(event) -> None:
    owner = api_keys.ensure_caller(name="ci", customers=["main"], actor="command")
    request = ReplayRequest(actor="caller:ci", caller=owner, idempotency_key="k-1")
    first = replay(event, request)
    end_runs()

    assert replay(event, request) == GivenReplay(first.replay, created=False)
    with pytest.raises(ReplayConflictError):
        replay(intake.stored(), request)


def test_an_event_that_waits_for_its_first_routing_cannot_be_replayed(event) -> None:
    with pytest.raises(ReplayRefusedError, match="not been routed yet"):
        replay_event(event=intake.stored(), request=ANNA)


def test_a_replay_meets_the_triggers_as_they_are_now(source, version) -> None:
    event = intake.stored()
    tasks.route_events()
    assert Event.objects.get().state == EventState.IGNORED

    intake.trigger(source, version)
    replay(event)

    assert Event.objects.get().state == EventState.ROUTED


def test_many_are_looked_at_first_and_replayed_then(event, source) -> None:
    others = [intake.stored({"city": "Riga", "count": count}) for count in (3, 4)]
    tasks.route_events()
    end_runs()
    wanted = EventFilter(source="shop", states=("routed",))

    plan = plan_replays(wanted=wanted, at_most=2)
    assert (plan.total, plan.at_once, plan.sample[0]) == (3, 2, event)
    assert not Replay.objects.exists()

    assert replay_events(wanted=wanted, request=ANNA, at_most=2) == 2
    tasks.route_events()
    assert plan_replays(wanted=wanted).sample == [others[1]]
    assert Run.objects.count() == 5


def test_many_are_not_replayed_without_a_condition_or_out_of_reach(event) -> None:
    with pytest.raises(IntakeInvalidError):
        replay_events(wanted=EventFilter(), request=ANNA)

    assert replay_events(wanted=EventFilter(source="shop"), request=ANNA, customers=["other"]) == 0


def test_the_ledger_balances_after_every_kind_of_message(source, version) -> None:
    intake.trigger(source, version, event_type="push", mapping="{city: city}")
    headers = [["x-github-event", "ping"]]
    kinds = (
        intake.message(),
        intake.message(key="delivery:1"),
        intake.message({"city": 7}),
        intake.message(headers=headers),
        intake.message(size=1),
        intake.message(source="nobody"),
    )
    for sent in kinds:
        intake.take(sent, intake.message(key="delivery:1"))
        assert conservation().is_balanced
    tasks.route_events()
    intake.take(intake.message())

    found = conservation()
    assert found.is_balanced
    assert (found.received, found.stored, found.duplicate, found.rejected) == (13, 5, 6, 2)
    assert (found.routed, found.failed, found.ignored, found.pending) == (2, 1, 1, 1)
    assert conservation(customers=["main"]).rejected == 1
    assert conservation(customers=["other"]).received == 0
    assert conservation(source="shop", first_day=database_now().date()).received == 12


def test_a_lost_event_shows_in_the_ledger(source) -> None:
    intake.take(intake.message(), intake.message())

    Event.objects.earliest("pk").delete()

    assert not conservation().is_balanced
