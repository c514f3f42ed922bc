"""Webhooks on the overview: the counts balance, or there is a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from intake import tasks
from intake.models import Event
from tests.support import intake
from tests.support.operators import in_role

if TYPE_CHECKING:
    from typing import Any

    from django.test import Client

    from automations.models import AutomationVersion
    from intake.models import Source

pytestmark = pytest.mark.django_db
WARNING = "The counts do not balance"


def panel_of(client: Client) -> dict[str, Any]:
    panels = client.get("/admin/").context["panels"]
    return next(item for item in panels if item["panel"].title == "Webhooks")


def test_what_came_is_counted_by_what_became_of_it(
    console: Client, source: Source, version: AutomationVersion
) -> None:
    intake.trigger(source, version, event_type="push")
    intake.take(intake.message(key="delivery:1"), intake.message(key="delivery:1"), intake.message(size=1))
    intake.take(intake.message(headers=[["x-github-event", "ping"]]))
    tasks.route_events()
    intake.stored()

    panel = panel_of(console)

    assert panel["ledger"].received == 5
    assert [number for _, number, _ in panel["answered"]] == [3, 1, 1]
    assert [number for _, number, _ in panel["placed"]] == [1, 0, 1, 1]
    assert WARNING not in console.get("/admin/").text


def test_a_lost_event_is_warned_of(console: Client, source: Source) -> None:
    intake.stored()
    assert WARNING not in console.get("/admin/").text

    intake.stored().delete()

    assert WARNING in console.get("/admin/").text


def test_an_event_that_waits_too_long_is_counted(console: Client, source: Source) -> None:
    intake.stored()
    intake.stored()
    Event.objects.filter(pk=intake.stored().pk).update(stored_at=intake.RECEIVED_AT)

    assert panel_of(console)["late"] == 1


def test_nobody_sees_the_counts_of_customers_out_of_reach(source: Source) -> None:
    intake.source("parcels", customer="acme")
    intake.stored()
    intake.stored(source="parcels")

    assert panel_of(in_role("Viewer", customers=["acme"]))["ledger"].received == 1
    assert "ledger" not in panel_of(in_role("Viewer", customers=["northwind"], name="eve"))
