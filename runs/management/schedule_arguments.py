"""What `schedules create` and `change` take: every choice of a schedule as an option."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from automations import fire_times
from automations.fire_times import Gap, Repeated, TimeRuleError
from automations.models import Misfire, Overlap
from infra_shared.moments import sane

if TYPE_CHECKING:
    from argparse import ArgumentParser

_SAME = [
    "name",
    "cron",
    "every_seconds",
    "time_zone",
    "gap",
    "repeated",
    "spread_seconds",
    "misfire",
    "misfire_grace_seconds",
    "misfire_limit",
    "overlap",
    "pause_after_failures",
    "priority",
]


def add_choices(parser: ArgumentParser) -> None:
    """Add the options; what is not given is None, and stays or has its default."""
    rule = parser.add_mutually_exclusive_group()
    rule.add_argument("--cron", metavar="RULE", help='Such as "30 6 * * 1-5".')
    rule.add_argument("--every-seconds", type=int, metavar="N", help="Counted from --anchor.")
    rule.add_argument("--once", metavar="TIME", help="A single time, such as 2026-12-24T06:30.")
    parser.add_argument("--anchor", metavar="TIME", help="Intervals count from it; default: now.")
    parser.add_argument("--time-zone", metavar="ZONE", help="IANA name; all times are meant in it.")
    parser.add_argument("--gap", choices=list(Gap), help="A time that clocks jump over.")
    parser.add_argument("--repeated", choices=list(Repeated), help="A time that clocks show twice.")
    parser.add_argument(
        "--spread-seconds", type=int, metavar="N", help="Fire later, by a fixed part of so many seconds."
    )
    parser.add_argument(
        "--misfire", choices=Misfire.values, help="Times that passed while nothing was running."
    )
    parser.add_argument("--misfire-grace-seconds", type=int, metavar="N", help="Up to here it is just late.")
    parser.add_argument("--misfire-limit", type=int, metavar="N", help="How many `all` fires at most.")
    parser.add_argument("--overlap", choices=Overlap.values, help="While an earlier run has not ended.")
    parser.add_argument(
        "--pause-after-failures", type=int, metavar="N", help="Pause after so many in a row; 0: never."
    )
    parser.add_argument("--priority", type=int, metavar="N", help="Of its runs; higher goes first.")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="May name {{ fire_at:%%Y-%%m-%%d }}.",
    )


def chosen(options: dict[str, Any], *, time_zone: str) -> dict[str, Any]:
    """What the options say of a schedule, as `ScheduleInput` names it; ValueError for a time that is none."""
    found = {name: options[name] for name in _SAME if options.get(name) is not None}
    zone = found.get("time_zone", time_zone)
    for option, name in (("anchor", "anchor_at"), ("once", "once_at")):
        if options.get(option) is not None:
            found[name] = moment(options[option], zone)
    kinds = (("cron", fire_times.CRON), ("every_seconds", fire_times.INTERVAL), ("once_at", fire_times.ONCE))
    kind = next((kind for name, kind in kinds if name in found), None)
    return found | ({"kind": kind} if kind is not None else {})


def moment(text: str, zone: str) -> datetime:
    """A time as written, in the zone where it has no offset of its own; ValueError when it is none."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time such as 2026-12-24T06:30.") from error
    try:
        return sane(read if read.tzinfo is not None else read.replace(tzinfo=fire_times.zone(zone)))
    except TimeRuleError as error:
        raise ValueError(str(error)) from error
