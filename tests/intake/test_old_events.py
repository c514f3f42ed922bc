"""Events that are old go; the ledger stays in balance, and what is still needed stays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from infra_shared.database import database_now
from infra_shared.models import Blob, Deletion
from infra_shared.retention import Order
from infra_shared.services.orphans import sweep_orphans
from infra_shared.services.pruning import prune
from intake.models import DeadLetter, Event, IntakeLedger, Match, Replay
from intake.services.ledger import conservation
from intake.services.old_events import sweep_dead_letters, sweep_events
from intake.services.routing import route_pending
from tests.support import intake

if TYPE_CHECKING:
    from automations.models import AutomationVersion

pytestmark = pytest.mark.django_db


def _prune(days: float, sweep: Any = sweep_events, **changes: Any) -> int:
    order = Order(now=database_now() + timedelta(days=days), **changes)
    return prune(order, chosen={"it": sweep}).total_rows


def test_old_events_go_with_their_matches_and_the_ledger_still_balances(version: AutomationVersion) -> None:
    intake.trigger(intake.source(), version)
    intake.stored()
    intake.stored({"city": 7})
    intake.source("other")
    intake.stored(source="other")
    route_pending()
    before = conservation()
    assert (before.routed, before.failed, before.ignored) == (1, 1, 1)

    assert _prune(89) == 0
    assert _prune(91) == 3

    assert not Event.objects.exists()
    assert not Match.objects.exists()
    assert conservation() == before
    assert before.is_balanced
    line = IntakeLedger.objects.get(slug="shop")
    assert (line.removed_routed, line.removed_failed, line.removed_ignored) == (1, 1, 0)
    assert Deletion.objects.get().rows == 3


def test_an_event_that_is_still_to_be_routed_is_never_removed(db: None) -> None:
    intake.source()
    event = intake.stored()

    assert _prune(5000) == 0
    assert Event.objects.get() == event


def test_an_event_whose_replay_may_be_asked_for_again_stays_a_week_longer(db: None) -> None:
    intake.source()
    event = intake.stored()
    route_pending()
    asked = database_now() + timedelta(days=90)
    Replay.objects.create(event=event, number=1, requested_by="caller:ci", created_at=asked)

    assert _prune(96) == 0
    assert _prune(98) == 1


def test_an_event_stays_as_long_as_its_trigger_looks_back(version: AutomationVersion, settings: Any) -> None:
    settings.EVENT_KEPT = timedelta(days=10)
    intake.trigger(intake.source(), version, dedupe_seconds=30 * 24 * 3600)
    intake.stored()
    route_pending()

    assert _prune(29) == 0
    assert _prune(31) == 1


def test_the_large_body_of_a_removed_event_goes_from_the_store(db: None) -> None:
    intake.source()
    intake.stored(b"x" * 200_000)
    route_pending()
    assert Blob.objects.count() == 1

    assert _prune(91, sweep_orphans) == 0
    _prune(91)
    assert _prune(91, sweep_orphans) == 1


def test_a_dry_run_counts_old_events_and_removes_none(db: None) -> None:
    intake.source()
    intake.stored()
    route_pending()

    assert _prune(91, dry_run=True) == 1
    assert Event.objects.count() == 1


def test_a_dead_letter_goes_long_after_it_was_delivered_and_never_before(db: None) -> None:
    now = database_now()
    facts: Any = {
        "slug": "shop",
        "key": "k",
        "reason": "r",
        "scheme": "github",
        "size_bytes": 1,
        "sha256": "0" * 64,
        "edge_attempts": 3,
        "received_at": now,
        "dead_at": now,
    }
    for message in (1, 2):
        DeadLetter.objects.create(
            message_id=f"00000000-0000-7000-8000-00000000000{message}",
            delivered_at=now if message == 1 else None,
            **facts,
        )

    assert _prune(91, sweep_dead_letters) == 1
    assert DeadLetter.objects.get().delivered_at is None
