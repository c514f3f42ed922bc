"""`manage.py pauses list|begin|end`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from infra_shared.nouns import ACTOR, NounCommand
from runs.errors import InvalidRequestError
from runs.models import Pause
from runs.services.pauses import checked_scope, pause, resume

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

SCOPE = "everything, automation:KEY, site:ADDRESS or customer:KEY."


class Command(NounCommand):
    help = "Let nothing new begin: at all, or for one automation, site or customer. What runs goes on."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, json: bool, **_: Any) -> None:
        """List what stands still now."""
        rows = [
            (item.scope, item.paused_at.isoformat(timespec="seconds"), item.paused_by, item.reason)
            for item in Pause.objects.all()
        ]
        if json:
            names = ("scope", "paused_at", "paused_by", "reason")
            self.say_json([dict(zip(names, line, strict=True)) for line in rows])
            return
        self.say_table(("SCOPE", "SINCE", "BY", "REASON"), rows, empty="Nothing is paused.")

    def begin_arguments(self, parser: CommandParser) -> None:
        """Arguments of `begin`."""
        parser.add_argument("scope", help=SCOPE)
        parser.add_argument("--reason", required=True, help="Shown on every page of the console.")

    def do_begin(self, *, scope: str, reason: str, **_: Any) -> None:
        """Pause something."""
        try:
            is_new = pause(scope=scope, reason=reason, actor=ACTOR)[1]
        except InvalidRequestError as error:
            raise CommandError(str(error)) from error
        self.say("Paused." if is_new else "It was paused before.")

    def end_arguments(self, parser: CommandParser) -> None:
        """Arguments of `end`."""
        parser.add_argument("scope", help=SCOPE)
        parser.add_argument("--reason", default="")

    def do_end(self, *, scope: str, reason: str, **_: Any) -> None:
        """Let it go on."""
        try:
            resumed = resume(scope=checked_scope(scope), actor=ACTOR, reason=reason)
        except InvalidRequestError as error:
            raise CommandError(str(error)) from error
        self.say("Resumed." if resumed else "It was not paused.")
