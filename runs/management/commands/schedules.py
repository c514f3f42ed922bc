"""`manage.py schedules list|create|preview|pause|resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError

from automations import fire_times
from automations.errors import DefinitionError, ScheduleInvalidError
from automations.models import DEFAULT_CUSTOMER, Automation, Customer, Schedule
from automations.services import schedules
from automations.services.registry import register_python_automations
from infra_shared.database import database_now
from infra_shared.nouns import ACTOR, NounCommand, at_least
from runs.command_params import typed_params
from runs.services.nodes import live_versions

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = "Look at schedules, create, pause and resume them."

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
        self.say_table(head, lines, empty="There is no schedule. See: schedules create --help")

    def create_arguments(self, parser: CommandParser) -> None:
        """Arguments of `create`."""
        parser.add_argument("name", help="What people call it.")
        parser.add_argument("automation", metavar="KEY")
        rule = parser.add_mutually_exclusive_group(required=True)
        rule.add_argument("--cron", default="", metavar="RULE", help='Such as "30 6 * * 1-5".')
        rule.add_argument("--every-seconds", type=int, metavar="N", help="Counted from now.")
        parser.add_argument(
            "--time-zone", default=settings.TIME_ZONE, help="IANA name; it counts for --cron."
        )
        parser.add_argument("--customer", default=DEFAULT_CUSTOMER)
        parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")

    def do_create(  # noqa: PLR0913 - argparse hands options over by name
        self,
        *,
        name: str,
        automation: str,
        cron: str,
        every_seconds: int | None,
        time_zone: str,
        customer: str,
        param: list[str],
        **_: Any,
    ) -> None:
        """Create a schedule and print its id."""
        chosen = _automation(automation)
        version = chosen.latest_version
        try:
            wanted = schedules.ScheduleInput(
                name=name,
                automation=chosen,
                customer=_customer(customer),
                kind=fire_times.CRON if cron else fire_times.INTERVAL,
                cron=cron,
                every_seconds=every_seconds,
                time_zone=time_zone,
                params=typed_params(version.params_schema if version else {}, param),
            )
            created = schedules.create_schedule(wanted=wanted, actor=ACTOR)
        except (ScheduleInvalidError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.say(str(created.pk))

    def preview_arguments(self, parser: CommandParser) -> None:
        """Arguments of `preview`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--count", type=at_least(1), default=20)

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


def _automation(key: str) -> Automation:
    try:
        register_python_automations(live_digests=live_versions())
    except DefinitionError as error:
        raise CommandError(str(error)) from error
    automation = Automation.objects.runnable().select_related("latest_version").filter(key=key).first()
    if automation is None:
        raise CommandError(f"There is no automation {key!r} that can be run. See: manage.py automations list")
    return automation


def _customer(key: str) -> Customer:
    customer = Customer.objects.filter(key=key).first()
    if customer is None:
        raise CommandError(f"There is no customer {key!r}.")
    return customer
