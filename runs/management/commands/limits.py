"""`manage.py limits list|set|remove`: how much may happen at once, and how often it may begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from infra_shared.nouns import ACTOR, NounCommand, at_least
from runs.errors import InvalidRequestError
from runs.limit_keys import normal
from runs.models import Limit, Slot
from runs.services.limits import remove_limit, set_limit

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

KEY = "site:ADDRESS, customer:KEY, automation:KEY, or key:NAME for what an automation computes."


class Command(NounCommand):
    help = "Say how many attempts may be under way at once, or begin in a minute. It goes before what automations declare."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, json: bool, **_: Any) -> None:
        """List the limits that are set, with how many attempts are under way now."""
        rows = [_facts(row) for row in Limit.objects.all()]
        if json:
            self.say_json(rows)
            return
        head = ("FOR", "AT ONCE", "UNDER WAY", "STARTS PER MINUTE", "SET BY")
        names = ("key", "most", "in_use", "starts_per_minute", "set_by")
        lines = [["" if row[name] is None else row[name] for name in names] for row in rows]
        self.say_table(head, lines, empty="No limit is set; what automations declare counts.")

    def set_arguments(self, parser: CommandParser) -> None:
        """Arguments of `set`."""
        parser.add_argument("key", help=KEY)
        parser.add_argument("--most", type=at_least(1), help="Attempts under way at once; else as declared.")
        parser.add_argument(
            "--starts-per-minute", type=at_least(1), help="For a site: evenly spaced; else any number."
        )

    def do_set(self, *, key: str, most: int | None, starts_per_minute: int | None, **_: Any) -> None:
        """Set a limit, or both its numbers anew."""
        try:
            row = set_limit(key=key, most=most, starts_per_minute=starts_per_minute, actor=ACTOR)
        except InvalidRequestError as error:
            raise CommandError(str(error)) from error
        self.say(f"The limit of {row.key} is set.")

    def remove_arguments(self, parser: CommandParser) -> None:
        """Arguments of `remove`."""
        parser.add_argument("key", help=KEY)

    def do_remove(self, *, key: str, **_: Any) -> None:
        """Let what automations declare count again."""
        try:
            row = Limit.objects.filter(key=normal(key)).first()
        except ValueError as error:
            raise CommandError(str(error)) from error
        if row is None:
            raise CommandError(f"No limit is set for {key}. See: manage.py limits list")
        remove_limit(limit=row, actor=ACTOR)
        self.say(f"{row.key} is limited as declared again.")


def _facts(row: Limit) -> dict[str, Any]:
    return {
        "key": row.key,
        "most": row.most,
        "in_use": Slot.objects.filter(key=row.key).count(),
        "starts_per_minute": row.starts_per_minute,
        "set_by": row.set_by,
        "set_at": row.set_at,
    }
