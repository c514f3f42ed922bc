"""A schedule's page tells what became of its planned times, and lets an operator fill in what is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from automations.models import Customer, Schedule
from automations.services.schedule_input import ScheduleInput
from automations.services.schedules import create_schedule
from runs.models import Occurrence
from runs.services import scheduling
from tests.support.operators import in_role
from tests.support.schedules import ledger, put_behind

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def schedule(runs_factory: RunsFactory) -> Schedule:
    """A schedule of which three times were coalesced into a fourth that fired."""
    wanted = ScheduleInput(
        name="Every minute",
        automation=runs_factory.version.automation,
        customer=Customer.objects.get(key="main"),
        kind="interval",
        every_seconds=60,
        params={"city": "{{ fire_at:%H:%M }}"},
    )
    made = create_schedule(wanted=wanted, actor="command")
    put_behind(made, 4)
    scheduling.fire_due_schedules()
    made.refresh_from_db()
    return made


def span(schedule: Schedule) -> dict[str, Any]:
    """The range of the ledger, as its form takes it: the schedule's zone is UTC."""
    begin = schedule.planned_until - timedelta(minutes=3, seconds=30)
    end = begin + timedelta(hours=1)
    return {"begin": f"{begin:%Y-%m-%dT%H:%M:%S}", "end": f"{end:%Y-%m-%dT%H:%M:%S}"}


def test_the_page_counts_the_states_and_shows_one_of_them(console: Client, schedule: Schedule) -> None:
    page = f"/admin/automations/schedule/{schedule.pk}/change/"

    whole, coalesced = console.get(page), console.get(page, {"state": "coalesced"})

    assert whole.context["counts"] == [("fired", "Fired", 1), ("coalesced", "Coalesced into a later one", 3)]
    assert len(whole.context["bars"]) == 4
    assert {item.state for item in coalesced.context["occurrences"]} == {"coalesced"}
    assert "a later time stands for it" in whole.text


def test_a_backfill_shows_what_is_missing_before_it_does_anything(
    console: Client, schedule: Schedule
) -> None:
    path = f"/admin/automations/schedule/{schedule.pk}/backfill/"

    dry = console.post(path, span(schedule))
    assert "3 of 4 planned times are missing" in dry.text
    assert ledger(schedule) == ["coalesced", "coalesced", "coalesced", "fired"]

    done = console.post(path, span(schedule) | {"confirmed": "yes"})
    assert done.status_code == 302
    assert Occurrence.objects.waiting().count() == 3


def test_a_backfill_that_makes_no_sense_says_why(console: Client, schedule: Schedule) -> None:
    Schedule.objects.update(params={"city": "Riga"})

    answer = console.post(f"/admin/automations/schedule/{schedule.pk}/backfill/", span(schedule))

    assert answer.status_code == 422
    assert "do not use fire_at" in answer.text


@pytest.mark.parametrize(("role", "shown"), [("Viewer", False), ("Operator", True)])
def test_who_may_not_delete_or_fill_in_sees_no_button(role: str, shown: bool, schedule: Schedule) -> None:
    text = in_role(role).get(f"/admin/automations/schedule/{schedule.pk}/change/").text

    assert [f"/{page}/" in text for page in ("backfill", "delete")] == [shown, shown]
