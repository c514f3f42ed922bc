"""The demo's webhooks: past events that are consistent with their runs and with the ledger."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from intake.models import DeadLetter, Event, Match
from intake.services.ledger import conservation
from intake.states import EventState

pytestmark = pytest.mark.django_db


def test_past_events_balance_and_each_run_names_the_event_that_caused_it() -> None:
    call_command("hooks", "seed", "--events", "40")

    assert conservation().is_balanced
    assert set(Event.objects.values_list("state", flat=True)) == set(EventState) - {EventState.PENDING}
    ran = Match.objects.filter(state="ran").select_related("run")
    assert ran
    assert all(match.run and match.run.cause_ref == f"event:{match.event_id}" for match in ran)


def test_the_demo_is_seeded_once() -> None:
    for _ in range(2):
        call_command("hooks", "seed", "--events", "10")

    assert Event.objects.count() == 10
    assert DeadLetter.objects.count() == 2
