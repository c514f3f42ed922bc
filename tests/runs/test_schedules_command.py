"""Schedules on the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from automations.models import Schedule
from runs.models import Occurrence
from runs.services import scheduling
from tests.support.schedules import put_behind

pytestmark = pytest.mark.usefixtures("version")


def said(*words: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("schedules", *words, stdout=out)
    return out.getvalue()


def created(*words: str) -> str:
    """The id of a new schedule."""
    return said("create", "Daily", "sample", "--param", "city={{ fire_at:%H:%M }}", *words).strip()


def test_every_choice_is_kept_and_shown() -> None:
    choices = [
        "--cron",
        "30 2 * * *",
        "--time-zone",
        "Europe/Berlin",
        "--gap",
        "skip",
        "--repeated",
        "both",
        "--overlap",
        "queue",
    ]
    numbers = [
        "--spread-seconds",
        "600",
        "--misfire",
        "all",
        "--misfire-limit",
        "3",
        "--pause-after-failures",
        "5",
        "--priority",
        "20",
    ]

    shown = json.loads(said("show", created(*choices, *numbers), "--json"))

    assert (shown["gap"], shown["repeated"], shown["overlap"]) == ("skip", "both", "queue")
    assert (shown["spread_seconds"], shown["misfire_limit"], shown["pause_after_failures"]) == (600, 3, 5)
    assert shown["priority"] == 20


def test_the_preview_marks_what_clocks_do_to_a_time() -> None:
    previewed = said(
        "preview", created("--cron", "30 2 * * *", "--time-zone", "Europe/Berlin"), "--count", "2"
    )

    assert "02:30: the clock jumps over it: fires at the first moment after" in previewed


def test_a_change_keeps_what_is_not_said() -> None:
    key = created("--once", "2099-01-01T06:30", "--time-zone", "Asia/Tokyo")

    said("change", key, "--every-seconds", "600", "--overlap", "skip")

    schedule = Schedule.objects.get(pk=key)
    assert (schedule.kind, schedule.every_seconds, schedule.overlap) == ("interval", 600, "skip")
    assert (schedule.name, schedule.time_zone) == ("Daily", "Asia/Tokyo")


def test_a_deleted_schedule_is_listed_no_more() -> None:
    key = created("--cron", "0 3 * * *")

    said("delete", key, "--reason", "replaced")

    assert json.loads(said("list", "--json")) == []
    with pytest.raises(CommandError, match="no schedule"):
        said("show", key)


def test_a_backfill_shows_what_is_missing_and_fires_it_when_told_to() -> None:
    key = created("--every-seconds", "60")
    begin = put_behind(Schedule.objects.get(pk=key), 4)
    scheduling.fire_due_schedules()
    span = [key, begin.isoformat(), (begin + timedelta(hours=1)).isoformat()]

    dry = json.loads(said("backfill", *span, "--json"))
    assert (dry["planned"], len(dry["missing"]), dry["dry_run"]) == (5, 4, True)
    assert not Occurrence.objects.waiting().exists()

    assert "They fire now." in said("backfill", *span, "--yes")
    assert Occurrence.objects.waiting().count() == 4


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["create", "Never", "sample"], "Say when"),
        (["create", "Never", "sample", "--once", "soon"], "is not a time"),
        (["create", "Never", "sample", "--cron", "0 0 31 2 *", "--param", "city=Riga"], "cron"),
        (["backfill", "1", "2026-11-01", "2026-11-02"], "no schedule 1"),
    ],
)
def test_what_makes_no_sense_is_said(words: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        said(*words)
