"""Planned times that a change of plan left behind, until the dispatcher writes their rows.

Occurrences live above this app. So a change of rule, a resumption or a deletion notes which times of the rule so far had
passed without a row, and `runs.services.scheduling` writes them: each planned time ends as one row all the same.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from automations import fire_times
from automations.fire_times import TimeRule

if TYPE_CHECKING:
    from automations.models import Schedule

_MOMENTS = ("anchor_at", "once_at")
SKIPPED = "skipped"
MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """The times of `rule` later than `after` and up to `until`: they are written as `state`, with `reason`."""

    rule: TimeRule
    after: datetime
    until: datetime
    state: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """As kept in the schedule's row."""
        rule = asdict(self.rule)
        for name in _MOMENTS:
            rule[name] = rule[name].isoformat() if rule[name] else None
        return {
            "rule": rule,
            "after": self.after.isoformat(),
            "until": self.until.isoformat(),
            "state": self.state,
            "reason": self.reason,
        }

    def going_on_after(self, moment: datetime) -> Leftover:
        """What is left of it once everything up to `moment` is written."""
        return replace(self, after=moment)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Leftover:
        """Back from the schedule's row."""
        rule = dict(kept["rule"])
        for name in _MOMENTS:
            rule[name] = datetime.fromisoformat(rule[name]) if rule[name] else None
        return cls(
            rule=TimeRule(**rule),
            after=datetime.fromisoformat(kept["after"]),
            until=datetime.fromisoformat(kept["until"]),
            state=kept["state"],
            reason=kept["reason"],
        )


def with_leftover(schedule: Schedule, *, until: datetime, state: str, reason: str) -> list[dict[str, Any]]:
    """The schedule's `unwritten` when its present plan ends at `until`; as it is, when no time passed unhandled."""
    first = fire_times.next_after(schedule.rule, schedule.planned_until)
    if first is None or first > until:
        return list(schedule.unwritten)
    left = Leftover(
        rule=schedule.rule, after=schedule.planned_until, until=until, state=state, reason=reason[:500]
    )
    return [*schedule.unwritten, left.to_json()]
