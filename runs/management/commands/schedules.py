"""`manage.py schedules list|preview|pause|resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from automations import fire_times
from automations.models import Schedule
from automations.services import schedules
from infra_shared.database import database_now
from infra_shared.nouns import ACTOR, NounCommand

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = "Look at schedules, pause and resume them."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, json: bool, **_: Any) -> None:  # noqa: FBT001 - argparse hands options over by name
        """List the schedules with their next fire times."""
        rows = [
            {
                "id": row.pk,
                "name": row.name,
                "automation": row.automation.key,
                "rule": fire_times.in_words(row.rule),
                "next_fire_at": row.next_fire_at.isoformat() if row.next_fire_at else None,
                "paused": row.paused_at is not None,
            }
            for row in Schedule.objects.select_related("automation")
        ]
        if json:
            self.say_json(rows)
            return
        head = ("ID", "NAME", "AUTOMATION", "RULE", "NEXT FIRE")
        lines = (
            (
                row["id"],
                row["name"],
                row["automation"],
                row["rule"],
                "paused" if row["paused"] else row["next_fire_at"] or "never",
            )
            for row in rows
        )
        self.say_table(head, lines, empty="There is no schedule. Make one in the console under Schedules.")

    def preview_arguments(self, parser: CommandParser) -> None:
        """Arguments of `preview`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--count", type=int, default=20)

    def do_preview(self, id: int, count: int, **_: Any) -> None:  # noqa: A002 - the argument's name on the command line
        """Print the next fire times of a schedule, in its own time zone."""
        rule = _schedule(id).rule
        self.say(fire_times.in_words(rule))
        for fire_at in fire_times.preview(rule, database_now(), count):
            self.say(f"{fire_at:%a %Y-%m-%d %H:%M:%S %Z}")

    def pause_arguments(self, parser: CommandParser) -> None:
        """Arguments of `pause`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--reason", default="")

    def do_pause(self, id: int, reason: str, **_: Any) -> None:  # noqa: A002 - as above
        """Stop a schedule from firing."""
        paused = schedules.pause_schedule(schedule=_schedule(id), reason=reason, actor=ACTOR)
        self.say("Paused." if paused else "It was paused before.")

    def resume_arguments(self, parser: CommandParser) -> None:
        """Arguments of `resume`."""
        parser.add_argument("id", type=int)

    def do_resume(self, id: int, **_: Any) -> None:  # noqa: A002 - as above
        """Let a paused schedule fire again, from now on."""
        resumed = schedules.resume_schedule(schedule=_schedule(id), actor=ACTOR)
        self.say("Resumed." if resumed else "It was not paused.")


def _schedule(key: int) -> Schedule:
    schedule = Schedule.objects.select_related("automation", "customer").filter(pk=key).first()
    if schedule is None:
        raise CommandError(f"There is no schedule {key}. See: manage.py schedules list")
    return schedule
