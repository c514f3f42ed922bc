"""`manage.py schedules list|show|create|change|delete|preview|pause|resume|backfill`."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError

from automations import fire_times
from automations.errors import DefinitionError, ScheduleInvalidError
from automations.models import DEFAULT_CUSTOMER, Automation, Customer, Schedule
from automations.services import schedules
from automations.services.registry import register_python_automations
from automations.services.schedule_input import ScheduleInput, input_of
from infra_shared.database import database_now
from infra_shared.nouns import ACTOR, NounCommand, at_least
from runs.command_params import typed_params
from runs.errors import BackfillRefusedError
from runs.management.schedule_arguments import add_choices, chosen, moment
from runs.models import Occurrence
from runs.services.backfills import backfill, plan_backfill
from runs.services.nodes import live_versions

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

OCCURRENCES_SHOWN = 10


class Command(NounCommand):
    help = "Look at schedules, create, change, pause, resume, fill in and delete them."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, json: bool, **_: Any) -> None:  # noqa: FBT001 - argparse hands options over by name
        """List the schedules with their next fire times."""
        rows = [_facts(row) for row in _rows()]
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

    def show_arguments(self, parser: CommandParser) -> None:
        """Arguments of `show`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--json", action="store_true")

    def do_show(self, id: int, json: bool, **_: Any) -> None:  # noqa: A002, FBT001 - the names on the command line
        """Show what a schedule says, and what became of its latest planned times."""
        schedule = _schedule(id)
        said = {name: _plain(value) for name, value in _said(input_of(schedule)).items()}
        rows = Occurrence.objects.filter(schedule=schedule).order_by("-fire_at")[:OCCURRENCES_SHOWN]
        times = [
            {
                "fire_at": row.fire_at.isoformat(),
                "state": row.state,
                "late_seconds": round(row.lateness.total_seconds(), 3),
                "run": str(row.run_id or ""),
                "reason": row.reason,
            }
            for row in rows
        ]
        if json:
            self.say_json(_facts(schedule) | said | {"occurrences": times})
            return
        self.say_table(("WHAT", "IS"), (_facts(schedule) | said).items(), empty="")
        head = ("PLANNED", "STATE", "LATE (S)", "RUN", "REASON")
        self.say_table(head, (tuple(row.values()) for row in times), empty="No planned time has passed yet.")

    def create_arguments(self, parser: CommandParser) -> None:
        """Arguments of `create`."""
        parser.add_argument("name", help="What people call it.")
        parser.add_argument("automation", metavar="KEY")
        parser.add_argument("--customer", default=DEFAULT_CUSTOMER)
        add_choices(parser)

    def do_create(self, automation: str, customer: str, param: list[str], **options: Any) -> None:
        """Create a schedule and print its id."""
        found = _automation(automation)
        version = found.latest_version
        try:
            said = chosen(options, time_zone=settings.TIME_ZONE)
            if "kind" not in said:
                raise CommandError("Say when: --cron, --every-seconds or --once.")
            params = typed_params(version.params_schema if version else {}, param)
            defaults: dict[str, Any] = {"time_zone": settings.TIME_ZONE, "params": params}
            wanted = ScheduleInput(automation=found, customer=_customer(customer), **(defaults | said))
            created = schedules.create_schedule(wanted=wanted, actor=ACTOR)
        except (ScheduleInvalidError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.say(str(created.pk))

    def change_arguments(self, parser: CommandParser) -> None:
        """Arguments of `change`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--name")
        add_choices(parser)

    def do_change(self, id: int, param: list[str], **options: Any) -> None:  # noqa: A002 - as above
        """Change what is given; a changed time rule is planned from now on."""
        schedule = _schedule(id)
        version = schedule.pinned_version or schedule.automation.latest_version
        try:
            said = chosen(options, time_zone=schedule.time_zone)
            if param:
                given = typed_params(version.params_schema if version else {}, param)
                said["params"] = schedule.params | given
            wanted = replace(input_of(schedule), **said)
            changed = schedules.change_schedule(schedule=schedule, wanted=wanted, actor=ACTOR)
        except (ScheduleInvalidError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.say(f"Changed. Next: {changed.next_fire_at or 'never'}")

    def delete_arguments(self, parser: CommandParser) -> None:
        """Arguments of `delete`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--reason", default="")

    def do_delete(self, id: int, reason: str, **_: Any) -> None:  # noqa: A002 - as above
        """Delete a schedule; its occurrences and runs stay."""
        schedules.delete_schedule(schedule=_schedule(id), actor=ACTOR, reason=reason)
        self.say("Deleted.")

    def preview_arguments(self, parser: CommandParser) -> None:
        """Arguments of `preview`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--count", type=at_least(1), default=20)

    def do_preview(self, id: int, count: int, **_: Any) -> None:  # noqa: A002 - as above
        """Print the next planned times of a schedule, in its own time zone, with what clocks do to them."""
        schedule = _schedule(id)
        rule, now, own = schedule.rule, database_now(), fire_times.zone(schedule.time_zone)
        self.say(fire_times.in_words(rule))
        if schedule.offset:
            self.say(f"Each fires {schedule.offset} later, as it is spread.")
        for planned in islice(fire_times.planned_after(rule, now), count):
            self.say(_planned_in_words(planned, own))
        for change in fire_times.next_clock_changes(rule, now):
            self.say(f"Clocks change {change.at:%a %Y-%m-%d}, {change.was:%H:%M} -> {change.at:%H:%M}:")
            for planned in change.touched:
                self.say(f"  {_planned_in_words(planned, own)}")

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
        try:
            resumed = schedules.resume_schedule(schedule=_schedule(id), actor=ACTOR)
        except ScheduleInvalidError as error:
            raise CommandError(str(error)) from error
        self.say("Resumed." if resumed else "It was not paused.")

    def backfill_arguments(self, parser: CommandParser) -> None:
        """Arguments of `backfill`."""
        parser.add_argument("id", type=int)
        parser.add_argument(
            "begin", metavar="FROM", help="Such as 2026-11-01 or 2026-11-01T06:00, in its zone."
        )
        parser.add_argument("end", metavar="UNTIL", help="Before this time.")
        parser.add_argument("--yes", action="store_true", help="Let it fire; without, it is only shown.")
        parser.add_argument("--json", action="store_true")

    def do_backfill(self, id: int, begin: str, end: str, yes: bool, json: bool, **_: Any) -> None:  # noqa: A002, FBT001 - as above
        """Show which planned times of a range never fired, and with --yes let them fire."""
        schedule = _schedule(id)
        try:
            span = {"begin": moment(begin, schedule.time_zone), "end": moment(end, schedule.time_zone)}
            plan = (
                backfill(schedule=schedule, actor=ACTOR, **span)
                if yes
                else plan_backfill(schedule=schedule, **span)
            )
        except (BackfillRefusedError, ValueError) as error:
            raise CommandError(str(error)) from error
        own = fire_times.zone(schedule.time_zone)
        missing = [fire_at.astimezone(own).isoformat() for fire_at in plan.missing]
        if json:
            self.say_json(
                {"planned": plan.planned, "present": plan.present, "missing": missing, "dry_run": not yes}
            )
            return
        for fire_at in missing:
            self.say(fire_at)
        self.say(f"{len(missing)} of {plan.planned} planned times are missing.")
        if missing:
            self.say("They fire now." if yes else "Nothing was done. Add --yes to let them fire.")


def _said(said: ScheduleInput) -> dict[str, Any]:
    """The fields of an input, shallow: rows stay rows."""
    return {name: getattr(said, name) for name in said.__dataclass_fields__}


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, str, dict, type(None))) else str(value)


def _facts(row: Schedule) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "automation": row.automation.key,
        "rule": fire_times.in_words(row.rule),
        "next_fire_at": row.next_fire_at.isoformat() if row.next_fire_at and not row.paused_at else None,
        "paused": row.paused_at is not None,
        "pause_reason": row.pause_reason,
    }


def _planned_in_words(planned: fire_times.Planned, own: Any) -> str:
    mark = f"  ({planned.reading:%H:%M}: {planned.mark.in_words})" if planned.mark else ""
    return f"{planned.fire_at.astimezone(own):%a %Y-%m-%d %H:%M:%S %Z}{mark}"


def _rows() -> Any:
    return Schedule.objects.present().select_related(
        "automation__latest_version", "customer", "pinned_version"
    )


def _schedule(key: int) -> Schedule:
    schedule: Schedule | None = _rows().filter(pk=key).first()
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
        raise CommandError(f"There is no customer {key!r}. See: manage.py customers list")
    return customer
