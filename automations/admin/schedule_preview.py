"""What a rule would do: the part of the form that updates itself, and of the schedule's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from automations import fire_times
from automations.fire_times import Mark, TimeRule, TimeRuleError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from automations.fire_times import Planned
    from automations.models import Schedule

PREVIEWED = 20


@dataclass(frozen=True, slots=True)
class Fire:
    """A planned time as it is shown: in the rule's zone, with what is special about it."""

    at: datetime
    fires: bool
    words: str

    @property
    def stamp(self) -> str:
        """The time of day with the name of the zone then: what tells two readings of one clock apart."""
        return f"{self.at:%H:%M %Z}"


def preview_of(
    rule: TimeRule, *, schedule: Schedule | None = None, spread_seconds: int = 0
) -> dict[str, Any]:
    """A rule in words with its next planned times; what is wrong with it, when it can never fire."""
    try:
        fire_times.check(rule)
    except TimeRuleError as error:
        return {"rule_problem": str(error), "fires": []}
    now = timezone.now()
    offset = schedule.offset if schedule is not None else timedelta(0)
    changes = fire_times.next_clock_changes(rule, now)
    return {
        "rule": rule,
        "rule_in_words": fire_times.in_words(rule),
        "fires": _fires(islice(fire_times.planned_after(rule, now), PREVIEWED), rule, offset),
        "clocks_in_words": fire_times.clocks_in_words(rule) if changes else "",
        "clock_changes": [(change, _fires(change.touched, rule, timedelta(0))) for change in changes],
        "offset": offset,
        "spread": timedelta(seconds=spread_seconds) if schedule is None else None,
    }


def _fires(times: Iterable[Planned], rule: TimeRule, offset: timedelta) -> list[Fire]:
    own = fire_times.zone(rule.time_zone)
    return [_fire(planned, (planned.fire_at + offset).astimezone(own)) for planned in times]


def _fire(planned: Planned, at: datetime) -> Fire:
    shown = planned.reading.strftime("%H:%M")
    words = f"{shown}: {planned.mark.in_words}" if planned.mark is not Mark.PLAIN else ""
    return Fire(at=at, fires=planned.fires, words=words)
