"""Each way into the system puts on its log lines what they are about: request, event, schedule and planned time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog
from django.test import Client

from infra_shared.api.problems import REQUEST_ID_HEADER
from infra_shared.logging import listening_to_lines
from intake.models import Event
from intake.services.routing import route_pending
from runs.models import Occurrence, Run
from runs.services import outcomes, scheduling
from tests.support import api, intake, schedules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from automations.models import AutomationVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> Iterator[list[Mapping[str, Any]]]:
    """Every line that this process writes."""
    structlog.contextvars.clear_contextvars()
    written: list[Mapping[str, Any]] = []
    with listening_to_lines(written.append):
        yield written


def named(lines: list[Mapping[str, Any]], event: str) -> Mapping[str, Any]:
    """The one line of an event."""
    [found] = [line for line in lines if line["event"] == event]
    return found


@pytest.mark.parametrize("sent", ["a-1.b_2", "x" * 64])
def test_a_request_keeps_the_id_it_came_with_on_its_lines_and_in_its_answer(lines, sent):
    answer = Client().get("/api/v1/nowhere", headers={REQUEST_ID_HEADER: sent})

    assert answer[REQUEST_ID_HEADER] == sent
    assert {line["request_id"] for line in lines} == {sent}


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a;b", "<script>", "ä"])
def test_a_request_with_no_sane_id_gets_one(lines, sent):
    answer = Client().get("/api/v1/nowhere", headers={REQUEST_ID_HEADER: sent})

    made = answer[REQUEST_ID_HEADER]
    assert len(made) == 16
    assert made != sent
    assert {line["request_id"] for line in lines} == {made}


def test_a_batch_names_the_events_it_stored_and_routing_the_event_it_is_about(
    lines, version: AutomationVersion
):
    event = intake.stored(source=intake.source("shop").slug)
    route_pending()

    assert named(lines, "intake_batch")["event_ids"] == [str(event.pk)]
    assert named(lines, "event_routed")["event_id"] == str(event.pk)
    assert Event.objects.get().pk == event.pk


def test_a_request_names_the_run_it_made_and_who_ends_it_names_it_too(
    lines, version: AutomationVersion, django_capture_on_commit_callbacks
):
    sent = {REQUEST_ID_HEADER: "from-the-shop", "X-API-Key": api.key()}
    with django_capture_on_commit_callbacks(execute=True):
        answer = Client().post(
            "/api/v1/runs",
            {"automation": version.automation.key, "params": {"city": "Riga"}},
            content_type="application/json",
            headers=sent,
        )
    run = Run.objects.get(pk=answer.json()["id"])
    structlog.contextvars.clear_contextvars()
    with django_capture_on_commit_callbacks(execute=True):
        outcomes.expire_run(run=run, reason="nobody serves it", actor="dispatcher")

    asked, ended = [line for line in lines if line["event"] == "run_moved"]
    assert (asked["request_id"], asked["run_id"]) == ("from-the-shop", str(run.pk))
    assert (asked["to_state"], ended["to_state"], ended["run_id"]) == ("queued", "expired", str(run.pk))
    assert (ended["actor"], ended["reason"]) == ("dispatcher", "nobody serves it")


def test_the_dispatcher_names_the_schedule_and_the_planned_time(lines, version: AutomationVersion):
    schedule = schedules.make(name="Hourly")
    schedules.put_behind(schedule, 2)

    scheduling.fire_due_schedules()

    handled = [line for line in lines if line["event"] == "occurrence_handled"]
    rows = Occurrence.objects.filter(run__isnull=False)
    assert {(line["fire_at"], line["run_id"]) for line in handled} == {
        (row.fire_at.isoformat(), str(row.run_id)) for row in rows
    }
    assert {line["schedule_id"] for line in handled} == {schedule.pk}
