"""Schedules over the API: made, changed, previewed, paused, filled in, deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from automations.models import Schedule
from infra_shared.models import AuditLine
from runs.models import Occurrence
from runs.services import scheduling
from tests.support import api
from tests.support.schedules import put_behind

NEW: dict[str, Any] = {
    "name": "Mornings",
    "automation": "sample",
    "kind": "cron",
    "cron": "30 2 * * *",
    "time_zone": "Europe/Berlin",
    "params": {"city": "{{ fire_at:%Y-%m-%d }}"},
    "repeated": "both",
    "misfire": "all",
    "overlap": "queue",
}


def test_a_made_schedule_is_read_back_with_what_was_left_out(caller) -> None:
    made = caller.post("/schedules", NEW)

    read = caller.get(made["Location"].removeprefix("/api/v1")).json()
    assert made.status_code == 201
    assert read == made.json()
    assert {name: read[name] for name in NEW if name != "params"} == {k: NEW[k] for k in NEW if k != "params"}
    assert read["params"] == {"city": "{{ fire_at:%Y-%m-%d }}", "count": 1}
    assert (read["gap"], read["misfire_grace_seconds"], read["pinned_version"]) == ("as_cron", 30, None)
    assert AuditLine.objects.get(action="schedule.create").actor == "caller:ci"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"kind": "once"}, "once_at"),
        ({"kind": "once", "once_at": "2020-01-01T00:00:00Z"}, "once_at"),
        ({"kind": "interval", "every_seconds": 1}, "every_seconds"),
        ({"gap": "never"}, "gap"),
        ({"spread_seconds": 90_000}, "spread_seconds"),
        ({"misfire_limit": 0}, "misfire_limit"),
        ({"params": {"city": "{{ fire_at:%Q }}"}}, "params.city"),
        ({"params": {}}, "params.city"),
        ({"pinned_version": 9}, "pinned_version"),
        ({"name": " "}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_at_its_field(caller, change, field) -> None:
    body = api.problem(caller.post("/schedules", NEW | change), 422)

    assert [error["field"] for error in body["errors"]] == [field]
    assert not Schedule.objects.exists()


def test_a_change_keeps_what_is_not_sent(caller, world) -> None:
    path = f"/schedules/{world.schedule.pk}"

    changed = caller.send("PATCH", path, {"overlap": "skip", "cron": "0 4 * * *"}).json()

    assert (changed["name"], changed["overlap"], changed["cron"]) == ("Nightly", "skip", "0 4 * * *")
    assert AuditLine.objects.get(action="schedule.change").details == {"changed": ["cron", "overlap"]}


def test_a_schedule_cannot_be_moved_to_a_customer_out_of_reach(caller, world) -> None:
    answer = caller.send("PATCH", f"/schedules/{world.schedule.pk}", {"customer": "other"})

    api.problem(answer, 404)


def test_the_preview_marks_what_a_change_of_clocks_touches(caller) -> None:
    made = caller.post("/schedules", NEW).json()

    preview = caller.get(f"/schedules/{made['id']}/preview?count=3").json()

    assert len(preview["times"]) == 3
    marks = {planned["mark"] for change in preview["clock_changes"] for planned in change["touched"]}
    assert marks == {"moved", "first_of_two", "second_of_two"}


def test_a_paused_schedule_says_why_and_resumes(caller, world) -> None:
    path = f"/schedules/{world.schedule.pk}"

    paused = caller.post(f"{path}/pause", {"reason": "inventory"}).json()
    resumed = caller.post(f"{path}/resume").json()

    assert (paused["pause_reason"], paused["next_fire_at"]) == ("inventory", None)
    assert resumed["paused_at"] is None
    assert resumed["next_fire_at"] is not None


def test_a_deleted_schedule_is_gone_and_its_history_is_not(caller, world) -> None:
    path = f"/schedules/{world.schedule.pk}"

    assert caller.send("DELETE", path).status_code == 204

    api.problem(caller.get(path), 404)
    api.problem(caller.send("PATCH", path, {"name": "Back"}), 404)
    assert caller.get("/schedules").json()["items"] == []
    assert [item["run"] for item in caller.get(f"{path}/occurrences").json()["items"]] == [str(world.run.pk)]


def test_a_backfill_is_a_dry_run_unless_it_says_otherwise(caller) -> None:
    every_minute = {"kind": "interval", "every_seconds": 60, "misfire": "latest", "overlap": "allow"}
    made = caller.post("/schedules", NEW | every_minute).json()
    schedule = Schedule.objects.get(pk=made["id"])
    begin = put_behind(schedule, 4)
    scheduling.fire_due_schedules()
    Occurrence.objects.earliest("fire_at").delete()
    span = {"begin": begin.isoformat(), "end": (begin + timedelta(hours=1)).isoformat()}

    dry = caller.post(f"/schedules/{schedule.pk}/backfill", span).json()
    wet = caller.post(f"/schedules/{schedule.pk}/backfill", span | {"dry_run": False}).json()

    assert dry["missing"] == wet["missing"]
    assert (dry["planned"], dry["dry_run"], wet["dry_run"]) == (5, True, False)
    waiting = caller.get(f"/schedules/{schedule.pk}/occurrences?state=waiting").json()["items"]
    assert [item["backfill"] for item in waiting] == [True] * len(wet["missing"])


def test_a_backfill_of_params_without_the_planned_time_is_refused(caller, world) -> None:
    path = f"/schedules/{world.schedule.pk}"
    caller.send("PATCH", path, {"params": {"city": "Riga"}})

    answer = caller.post(f"{path}/backfill", {"begin": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"})

    assert "fire_at" in api.problem(answer, 409)["detail"]
