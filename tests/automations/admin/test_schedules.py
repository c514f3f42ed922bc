"""An operator makes, changes, pauses and resumes schedules, and sees when they fire before saving."""

from __future__ import annotations

from datetime import UTC, datetime
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
    "gap": "as_cron",
    "repeated": "as_cron",
    "spread_seconds": "0",
    "misfire": "latest",
    "misfire_grace_seconds": "30",
    "misfire_limit": "10",
    "overlap": "allow",
    "pause_after_failures": "0",
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
    assert {fire.at.hour for fire in response.context["fires"]} == {6}


def test_the_preview_marks_what_clocks_do_to_a_time_and_follows_the_choice(console: Client, db: None) -> None:
    entered = ENTERED | {"cron": "30 2 * * *"}

    moved = console.post(f"{SCHEDULES}preview/", entered).text
    skipped = console.post(f"{SCHEDULES}preview/", entered | {"gap": "skip", "repeated": "both"}).text

    assert "02:30: the clock jumps over it: fires at the first moment after" in moved
    assert "02:30: the clock shows it twice: fires the first time" in moved
    assert "02:30: the clock jumps over it: does not fire" in skipped
    assert "02:30: the clock shows it twice: this is the second time" in skipped


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


def test_every_choice_of_the_form_is_kept_and_shown_again(console: Client, runs_factory: RunsFactory) -> None:
    chosen = {
        "kind": "interval",
        "every": "6",
        "unit": "hours",
        "anchor": "2026-01-01T06:30:00",
        "spread_seconds": "600",
        "misfire": "all",
        "misfire_grace_seconds": "45",
        "misfire_limit": "3",
        "overlap": "queue",
        "pause_after_failures": "5",
        "priority": "-7",
        "params-city": "{{ fire_at:%Y }}",
    }

    console.post(f"{SCHEDULES}new/shop-invoices/", ENTERED | chosen)

    made = Schedule.objects.get()
    form = console.get(f"{SCHEDULES}{made.pk}/edit/").context["form"]
    shown = {name: str(form[name].value()) for name in chosen if not name.startswith("params")}
    assert shown == {name: chosen[name] for name in shown}
    page = console.get(f"{SCHEDULES}{made.pk}/change/").text
    assert "Fire all of them, up to a number: 3. Grace: 45 s." in page
    assert "Pauses itself after 5 in a row." in page
    assert "-7: its runs go behind others." in page


def test_a_single_time_is_meant_in_the_schedule_s_zone(console: Client, runs_factory: RunsFactory) -> None:
    chosen = {"kind": "once", "once": "2099-07-01T06:30", "time_zone": "Asia/Tokyo"}

    console.post(f"{SCHEDULES}new/shop-invoices/", ENTERED | chosen)

    made = Schedule.objects.get()
    assert made.next_fire_at == datetime(2099, 6, 30, 21, 30, tzinfo=UTC)


def test_a_preview_of_nothing_says_what_is_missing(console: Client) -> None:
    assert "There is no time zone" in console.get(f"{SCHEDULES}preview/").text


def test_a_deleted_schedule_leaves_the_list_and_keeps_its_page(console: Client, schedule: Schedule) -> None:
    asked = console.get(f"{SCHEDULES}{schedule.pk}/delete/")
    assert schedule.name in console.get("/admin/search/", {"s": schedule.name, "extended": "1"}).text
    console.post(f"{SCHEDULES}{schedule.pk}/delete/", {"reason": "replaced"})

    page = console.get(f"{SCHEDULES}{schedule.pk}/change/").text
    assert "runs stay" in asked.text
    assert schedule.name not in console.get(SCHEDULES, {"q": "Every"}).text
    assert schedule.name in console.get(SCHEDULES, {"deleted": "yes", "q": "Every"}).text
    assert schedule.name not in console.get("/admin/search/", {"s": "Every", "extended": "1"}).text
    assert "Deleted" in page
    assert "/edit/" not in page
    assert console.get(f"{SCHEDULES}{schedule.pk}/edit/").status_code == 404
    assert AuditLine.objects.get(action="schedule.delete").reason == "replaced"


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
            f"{schedule.pk}/delete/",
            f"{schedule.pk}/backfill/",
        )
    ]

    assert page.status_code == 200
    assert "/edit/" not in page.text
    assert statuses == [403] * 6
