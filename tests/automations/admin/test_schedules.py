"""An operator makes, changes, pauses and resumes schedules, and sees when they fire before saving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from automations.models import Schedule
from infra_shared.models import AuditLine
from tests.support.console import client_with

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
SCHEDULES = "/admin/automations/schedule/"
ENTERED: dict[str, Any] = {
    "name": "Every morning",
    "customer": "main",
    "kind": "cron",
    "cron": "30 6 * * 1-5",
    "every": "15",
    "unit": "minutes",
    "time_zone": "Europe/Berlin",
    "params-city": "Riga",
    "params-count": "2",
}


@pytest.fixture
def schedule(console: Client, runs_factory: RunsFactory) -> Schedule:
    response = console.post(f"{SCHEDULES}new/shop-invoices/", ENTERED)
    assert response.status_code == 302, response.context["form"].errors
    return Schedule.objects.get()


def test_a_schedule_is_made_with_its_params(schedule: Schedule) -> None:
    assert (schedule.cron, schedule.time_zone) == ("30 6 * * 1-5", "Europe/Berlin")
    assert schedule.params == {"city": "Riga", "count": 2}
    assert schedule.next_fire_at is not None
    assert AuditLine.objects.get(action="schedule.create").actor == "operator:anna"


def test_the_preview_tells_the_rule_in_words_and_twenty_fires(console: Client, db: None) -> None:
    response = console.post(f"{SCHEDULES}preview/", ENTERED)

    assert response.context["rule_in_words"] == "At 06:30, Monday through Friday (Europe/Berlin)"
    assert len(response.context["fires"]) == 20
    assert {fire.hour for fire in response.context["fires"]} == {6}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"kind": "interval", "every": ""}, "every"),
    ],
)
def test_a_rule_that_cannot_fire_is_refused_at_its_field(
    console: Client, runs_factory: RunsFactory, changed: dict[str, str], field: str
) -> None:
    response = console.post(f"{SCHEDULES}new/shop-invoices/", ENTERED | changed)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not Schedule.objects.exists()


def test_params_that_do_not_fit_are_refused_at_their_field(
    console: Client, runs_factory: RunsFactory
) -> None:
    response = console.post(f"{SCHEDULES}new/shop-invoices/", ENTERED | {"params-count": "0"})

    assert list(response.context["params_form"].errors) == ["count"]


def test_a_changed_rule_is_planned_anew(console: Client, schedule: Schedule) -> None:
    form = console.get(f"{SCHEDULES}{schedule.pk}/edit/").context["form"]

    console.post(
        f"{SCHEDULES}{schedule.pk}/edit/", ENTERED | {"kind": "interval", "every": "2", "unit": "hours"}
    )

    schedule.refresh_from_db()
    assert form["cron"].value() == "30 6 * * 1-5"
    assert (schedule.kind, schedule.every_seconds) == ("interval", 7200)


def test_pausing_keeps_the_reason_and_resuming_plans_again(console: Client, schedule: Schedule) -> None:
    console.post(f"{SCHEDULES}{schedule.pk}/pause/", {"reason": "The shop moves house"})
    paused = console.get(f"{SCHEDULES}{schedule.pk}/change/")
    console.post(f"{SCHEDULES}{schedule.pk}/resume/")

    schedule.refresh_from_db()
    assert "The shop moves house" in paused.text
    assert schedule.paused_at is None
    assert schedule.next_fire_at is not None


def test_who_may_only_look_changes_nothing(schedule: Schedule) -> None:
    viewer = client_with("automations.view_schedule")

    page = viewer.get(f"{SCHEDULES}{schedule.pk}/change/")
    statuses = [
        viewer.post(f"{SCHEDULES}{path}", ENTERED).status_code
        for path in (
            "new/shop-invoices/",
            f"{schedule.pk}/edit/",
            f"{schedule.pk}/pause/",
            f"{schedule.pk}/resume/",
        )
    ]

    assert page.status_code == 200
    assert "/edit/" not in page.text
    assert statuses == [403] * 4
