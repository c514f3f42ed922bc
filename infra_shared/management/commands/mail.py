"""`manage.py mail list|resend|drop`: what leaves the system by mail or webhook, and what did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from infra_shared.models import OutboxMessage
from infra_shared.nouns import ACTOR, NounCommand, at_least
from infra_shared.services import undelivered

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.management.base import CommandParser

    from infra_shared.models import OutboxQuerySet

_SEE = "See: manage.py mail list"
_FIELDS = (
    "id",
    "channel",
    "purpose",
    "recipient",
    "subject",
    "state",
    "attempts",
    "next_attempt_at",
    "last_error",
    "tries",
    "created_at",
    "sent_at",
)


class Command(NounCommand):
    help = "List what leaves the system by mail or webhook, send again what did not arrive, or drop it."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--failed", action="store_true", help="Only what is not tried again by itself.")
        parser.add_argument("--limit", type=at_least(1), default=50, help="How many at most; default 50.")
        parser.add_argument("--json", action="store_true", help="For scripts.")

    def do_list(self, *, failed: bool, limit: int, json: bool, **_: Any) -> None:
        """List the messages, the newest first, without their texts."""
        chosen = OutboxMessage.objects.failed() if failed else OutboxMessage.objects.all()
        rows = list(chosen.order_by("-id")[:limit])
        if json:
            self.say_json([{name: getattr(row, name) for name in _FIELDS} for row in rows])
            return
        table = (
            (
                row.pk,
                f"{row.created_at:%Y-%m-%d %H:%M}",
                row.channel,
                row.state,
                row.attempts,
                row.recipient,
                row.last_error.partition("\n")[0] or row.subject,
            )
            for row in rows
        )
        head = ("ID", "WRITTEN", "BY", "STATE", "TRIES", "TO", "ERROR OR SUBJECT")
        self.say_table(head, table, empty="No message failed." if failed else "No message was written yet.")

    def resend_arguments(self, parser: CommandParser) -> None:
        """Arguments of `resend`."""
        _one_or_failed(parser)

    def do_resend(self, *, id: int | None, **_: Any) -> None:  # noqa: A002 - the argument's name
        """Send a message that failed or was dropped again, or all that failed."""
        if id is None:
            done = self._each_portion(lambda rows: undelivered.send_failed_again(messages=rows, actor=ACTOR))
            self.say(f"Sent again within minutes: {done}.")
            return
        if not undelivered.send_again(message=_found(id), actor=ACTOR):
            raise CommandError(f"Message {id} neither failed nor was it dropped. {_SEE}")
        self.say(f"Message {id} is sent again within a minute.")

    def drop_arguments(self, parser: CommandParser) -> None:
        """Arguments of `drop`."""
        _one_or_failed(parser)

    def do_drop(self, *, id: int | None, **_: Any) -> None:  # noqa: A002 - the argument's name
        """Drop a message that waits or failed, or all that failed: nobody tries to send it any more."""
        if id is None:
            done = self._each_portion(lambda rows: undelivered.drop_failed(messages=rows, actor=ACTOR))
            self.say(f"Dropped: {done}.")
            return
        if not undelivered.drop(message=_found(id), actor=ACTOR):
            raise CommandError(f"Message {id} neither waits nor failed. {_SEE}")
        self.say(f"Message {id} is dropped.")

    def _each_portion(self, act: Callable[[OutboxQuerySet], int]) -> int:
        """Act on as many as failed by now, portion by portion; returns on how many."""
        total = OutboxMessage.objects.failed().count()
        if not total:
            raise CommandError("No message failed.")
        done = 0
        while done < total and (portion := act(OutboxMessage.objects.all())):
            done += portion
            self.say(f"{done} of {total}")
        return done


def _one_or_failed(parser: CommandParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("id", type=int, nargs="?")
    which.add_argument("--failed", action="store_true", help="All that failed.")


def _found(pk: int) -> OutboxMessage:
    message = OutboxMessage.objects.filter(pk=pk).first()
    if message is None:
        raise CommandError(f"There is no message {pk}. {_SEE}")
    return message
