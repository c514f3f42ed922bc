"""Routing: what matches starts its run once, whatever is repeated or dies in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count as counting

import pytest
from django.db import OperationalError
from django.db.models import F
from django_q.models import OrmQ

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.database import database_now
from intake import lifecycle, tasks
from intake.models import Event, Match
from intake.services import routing
from intake.services.source_input import input_of
from intake.services.sources import change_source
from intake.services.triggers import change_trigger, delete_trigger
from intake.services.triggers import input_of as trigger_input
from intake.states import EventState, MatchState
from runs.models import Run
from runs.states import Cause
from tests.support import intake

pytestmark = pytest.mark.django_db


def routed(event: Event) -> Event:
    """Route what is pending and return the event as it is then."""
    tasks.route_events()
    return Event.objects.get(pk=event.pk)


def test_a_match_starts_a_run_on_behalf_of_the_sources_customer(version) -> None:
    source = intake.source(customer="acme")
    trigger = intake.trigger(source, version)

    event = routed(intake.stored())

    match, run = Match.objects.get(), Run.objects.get()
    assert (event.state, match.state, match.trigger) == (EventState.ROUTED, MatchState.RAN, trigger)
    assert match.run == run
    assert run.params == {"city": "Riga", "count": 2}
    assert (run.cause, run.cause_ref) == (Cause.EVENT, f"event:{event.pk}")
    assert run.customer.key == "acme"


def test_one_event_starts_a_run_for_each_trigger_that_matches(source, version) -> None:
    intake.trigger(source, version)
    intake.trigger(source, version, event_type="pu*", filter="count > `1`")
    intake.trigger(source, version, filter="count > `2`")
    intake.trigger(source, version, is_enabled=False)
    delete_trigger(trigger=intake.trigger(source, version), actor="command")

    event = routed(intake.stored())

    assert event.state == EventState.ROUTED
    assert event.matches.count() == Run.objects.count() == 2


def test_an_event_nothing_matches_is_ignored(source, version) -> None:
    intake.trigger(source, version, event_type="pull_request")

    event = routed(intake.stored())

    assert (event.state, event.state_reason) == (EventState.IGNORED, "No trigger matched.")
    assert not event.matches.exists()


def test_params_that_do_not_fit_are_kept_in_the_exact_words(source, version) -> None:
    intake.trigger(source, version, mapping="{city: city, count: `0`, colour: 'red'}")

    event = routed(intake.stored())

    match = event.matches.get()
    assert (event.state, match.state) == (EventState.FAILED, MatchState.BAD_PARAMS)
    assert match.reason == (
        "colour: There is no such param.; count: Input should be greater than or equal to 1"
    )
    assert not Run.objects.exists()


def test_an_error_of_one_trigger_leaves_the_others_alone(source, version) -> None:
    intake.trigger(source, version, filter="contains(nothing, 'x')")
    intake.trigger(source, version)

    event = routed(intake.stored())

    assert event.state == EventState.ROUTED
    assert {match.state for match in event.matches.all()} == {MatchState.ERROR, MatchState.RAN}


def test_an_automation_that_was_retired_is_an_error_of_the_match(source, version) -> None:
    intake.trigger(source, version)
    version.automation.retired_at = database_now()
    version.automation.save()

    event = routed(intake.stored())

    assert event.state == EventState.FAILED
    assert "sample" in event.matches.get().reason


def test_the_same_params_within_the_window_start_one_run(source, version) -> None:
    intake.trigger(source, version, dedupe_seconds=600)
    first = routed(intake.stored({"city": "Riga", "count": 2, "at": 1}))
    second = routed(intake.stored({"at": 2, "count": 2, "city": "Riga"}))
    other = routed(intake.stored({"city": "Oslo", "count": 2}))

    deduplicated = second.matches.get()
    assert deduplicated.state == MatchState.DEDUPLICATED
    assert deduplicated.run == first.matches.get().run
    assert second.state == EventState.ROUTED
    assert other.matches.get().state == MatchState.RAN


def test_after_the_window_the_same_params_start_another_run(source, version) -> None:
    intake.trigger(source, version, dedupe_seconds=600)
    routed(intake.stored())
    Match.objects.update(decided_at=F("decided_at") - timedelta(seconds=601))

    assert routed(intake.stored()).matches.get().state == MatchState.RAN


def test_events_of_a_disabled_source_are_kept_and_start_nothing(source, version) -> None:
    intake.trigger(source, version)
    wanted = input_of(source)
    event = intake.stored()
    change_source(source=source, wanted=replace(wanted, is_enabled=False), actor="command")

    event = routed(event)

    assert (event.state, event.state_reason) == (EventState.IGNORED, "The source was disabled.")


def test_a_trigger_follows_the_latest_version_unless_pinned(source, version) -> None:
    intake.trigger(source, version, pinned_version=version)

    assert routed(intake.stored()).state == EventState.ROUTED
    assert Run.objects.get().version == version


def test_routing_that_died_after_the_run_was_written_goes_on_without_another(
    source, version, monkeypatch
) -> None:
    intake.trigger(source, version)
    event = intake.stored()
    monkeypatch.setattr(routing, "_finish", _die)
    with pytest.raises(OperationalError):
        tasks.route_events()
    assert Run.objects.count() == 1
    monkeypatch.undo()

    assert routed(event).state == EventState.PENDING
    _claim_is_over(event)
    assert routed(event).state == EventState.ROUTED
    assert Run.objects.count() == 1


def test_a_lost_decision_rolls_back_its_run(source, version, monkeypatch) -> None:
    intake.trigger(source, version)
    event = intake.stored()
    monkeypatch.setattr(lifecycle, "decide_match", _die)
    with pytest.raises(OperationalError):
        tasks.route_events()
    assert not Run.objects.exists()
    monkeypatch.undo()
    _claim_is_over(event)

    assert routed(event).state == EventState.ROUTED
    assert Run.objects.count() == 1


def _die(*_, **__) -> None:
    raise OperationalError("the server closed the connection")


def _claim_is_over(event: Event) -> None:
    Event.objects.filter(pk=event.pk).update(route_after=database_now())


def test_the_sweeper_makes_a_ticket_for_what_a_crash_left(source) -> None:
    event = intake.stored()
    OrmQ.objects.all().delete()

    assert tasks.sweep_events()
    assert OrmQ.objects.count() == 1

    routed(event)
    assert not tasks.sweep_events()


def test_an_event_that_kills_its_router_fails_in_the_end_and_blocks_nobody(source) -> None:
    event = intake.stored()
    Event.objects.filter(pk=event.pk).update(route_tries=routing.MAX_TRIES)
    later = intake.stored()

    assert routed(event).state == EventState.FAILED
    assert Event.objects.get(pk=later.pk).state == EventState.IGNORED


def test_an_event_is_left_alone_while_another_process_is_at_it(source) -> None:
    event = intake.stored()
    assert lifecycle.take_event(event.pk, now=database_now()) is not None

    assert not routing.route_event(event.pk)
    assert routed(event).state == EventState.PENDING


def test_a_body_that_cannot_be_read_now_is_routed_later(source, version, monkeypatch) -> None:
    intake.trigger(source, version)
    event = intake.stored(b'{"city": "Riga", "pad": "' + b"x" * 130_000 + b'"}')
    with monkeypatch.context() as patch:
        patch.setattr(FileBlobStore, "open", _no_store)
        assert (routed(event).state, routed(event).route_tries) == (EventState.PENDING, 0)
    _claim_is_over(event)

    intake.trigger(source, version, mapping="{city: city}")
    assert routed(event).state == EventState.ROUTED


def test_a_body_that_is_gone_fails_its_event_with_the_reason(source, version) -> None:
    intake.trigger(source, version)
    event = intake.stored(b'{"pad": "' + b"x" * 130_000 + b'"}')
    assert event.blob is not None
    artifact_store().delete(event.blob)

    event = routed(event)

    assert event.state == EventState.FAILED
    assert "is not in the store" in event.state_reason


def _no_store(*_, **__) -> None:
    raise BlobStorageError("The store does not answer.")


def test_a_task_stops_in_time_and_leaves_a_ticket_for_the_rest(source) -> None:
    for _ in range(3):
        intake.stored()
    OrmQ.objects.all().delete()
    ticks = counting()

    assert routing.route_pending(seconds=2, monotonic=lambda: float(next(ticks))) == 2
    assert OrmQ.objects.count() == 1


def test_a_changed_trigger_meets_what_comes_after(source, version) -> None:
    trigger = intake.trigger(source, version)
    wanted = trigger_input(trigger)
    change_trigger(trigger=trigger, wanted=replace(wanted, filter="count > `5`"), actor="command")

    assert routed(intake.stored()).state == EventState.IGNORED
    assert routed(intake.stored({"city": "Riga", "count": 6})).state == EventState.ROUTED
