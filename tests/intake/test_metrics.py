"""What is measured of webhooks is what came, what it was answered, and where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db.models import F

from infra_shared.clock import utc_now
from intake.models import DeadLetter, Event, Replay
from intake.services.routing import route_event
from tests.support import intake
from tests.support.metrics import measured

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from intake.models import Source

pytestmark = pytest.mark.usefixtures("source")


def test_each_message_has_one_answer_and_each_event_one_place(
    source: Source, version: AutomationVersion
) -> None:
    intake.trigger(source, version)
    first = intake.message(key="delivery:1")
    intake.take(first, intake.message(key="delivery:1"), intake.message(sha256="0" * 64))
    intake.take(intake.message({"city": 7}), intake.message())
    for event in Event.objects.order_by("id")[:2]:
        route_event(event.pk)

    found = measured()

    answers = {
        name: found[f"automation_intake_answered_messages_total{{answer={name},source=shop}}"]
        for name in ("stored", "duplicate", "rejected")
    }
    assert answers == {"stored": 3, "duplicate": 1, "rejected": 1}
    assert found["automation_intake_received_messages_total{source=shop}"] == 5
    events = {
        state: found[f"automation_intake_week_events{{state={state}}}"]
        for state in ("routed", "failed", "ignored", "pending")
    }
    assert events == {"routed": 1, "failed": 1, "ignored": 0, "pending": 1}
    assert found["automation_intake_balanced"] == 1


def test_a_lost_event_breaks_the_balance() -> None:
    intake.stored().delete()

    assert measured()["automation_intake_balanced"] == 0


def test_what_is_replayed_waits_from_when_it_was_asked_for() -> None:
    event = intake.stored()
    now = utc_now()
    Event.objects.filter(pk=event.pk).update(stored_at=now - timedelta(days=2), replay=F("replay") + 1)
    Replay.objects.create(
        event=event, number=1, requested_by="operator:anna", created_at=now - timedelta(minutes=4)
    )
    Event.objects.filter(pk=intake.stored().pk).update(stored_at=now - timedelta(minutes=2))

    found = measured()

    assert found["automation_intake_pending_events"] == 2
    assert 240 <= found["automation_intake_oldest_pending_seconds"] < 340


def test_dead_letters_are_counted_until_they_are_delivered() -> None:
    sent = intake.message()
    DeadLetter.objects.create(
        message_id=sent["id"],
        slug="shop",
        size_bytes=1,
        edge_attempts=3,
        received_at=intake.RECEIVED_AT,
        dead_at=intake.RECEIVED_AT,
    )

    dead = measured()["automation_intake_dead_letters"]
    intake.take(sent)

    assert dead == 1
    assert measured()["automation_intake_dead_letters"] == 0
