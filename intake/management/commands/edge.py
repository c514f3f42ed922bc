"""`manage.py edge sync|redrive|status`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.management.base import CommandError

from infra_shared.crypto import DecryptionError
from infra_shared.nouns import ACTOR, NounCommand, at_least
from intake.errors import EdgeUnreachableError
from intake.services import edge_letters, edge_sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = "Speak to the edge Worker: tell it the sources, have it send dead letters again, ask how it is."

    def sync_arguments(self, parser: CommandParser) -> None:
        """Arguments of `sync`."""
        parser.add_argument("--dry-run", action="store_true", help="Only say what differs.")
        parser.add_argument("--json", action="store_true")

    def do_sync(self, *, dry_run: bool, json: bool, **_: Any) -> None:
        """Make the edge's sources those that are here."""
        with _said():
            plan = edge_sync.plan_sync() if dry_run else edge_sync.sync(actor=ACTOR)
        rows = [(item.change.value, item.slug, ", ".join(item.fields)) for item in plan.differences]
        if json:
            names = ("change", "source", "fields")
            self.say_json([dict(zip(names, row, strict=True)) for row in rows])
            return
        self.say_table(
            ("CHANGE", "SOURCE", "WHAT DIFFERS"), rows, empty="The edge has every source as it is here."
        )
        if rows:
            self.say(f"{'Nothing was changed' if dry_run else 'Done'}; {plan.unchanged} were the same.")

    def redrive_arguments(self, parser: CommandParser) -> None:
        """Arguments of `redrive`."""
        parser.add_argument("--source", default="", help="Only letters of this source.")
        parser.add_argument("--id", action="append", type=UUID, default=[], dest="ids", help="Only these.")
        parser.add_argument("--limit", type=at_least(1), default=edge_letters.MOST_AT_ONCE)
        parser.add_argument("--dry-run", action="store_true", help="Only say which.")
        parser.add_argument("--json", action="store_true")

    def do_redrive(
        self, *, source: str, ids: list[UUID], limit: int, dry_run: bool, json: bool, **_: Any
    ) -> None:
        """Have the edge send dead letters again."""
        with _said():
            done = edge_letters.redrive(actor=ACTOR, source=source, ids=ids, limit=limit, dry_run=dry_run)
        rows = [(letter.source, letter.id, letter.redrives, letter.reason) for letter in done.letters]
        if json:
            letters = [dict(zip(("source", "id", "redrives", "reason"), row, strict=True)) for row in rows]
            self.say_json({"letters": letters, "sent": done.sent, "left": done.left})
            return
        self.say_table(("SOURCE", "ID", "REDRIVES", "REASON"), rows, empty="There is no such dead letter.")
        if rows:
            self.say(f"{done.sent} sent again, {done.left} left.")

    def status_arguments(self, parser: CommandParser) -> None:
        """Arguments of `status`."""
        parser.add_argument("--json", action="store_true")

    def do_status(self, *, json: bool, **_: Any) -> None:
        """Ask the edge how it is; fails when it does not answer."""
        with _said():
            told = edge_letters.edge_status()
        if json:
            self.say_json(told)
            return
        for name in sorted(told):
            self.say(f"{name.replace('_', ' '):14} {told[name]}")


@contextmanager
def _said() -> Iterator[None]:
    """Errors as one line."""
    try:
        yield
    except (EdgeUnreachableError, DecryptionError) as error:
        raise CommandError(str(error)) from error
