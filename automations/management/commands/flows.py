"""`manage.py flows list|show|check|diff|publish|rollback`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from automations.errors import AutomationsError, FlowRefusedError
from automations.models import Automation
from automations.services import flows
from infra_shared.nouns import ACTOR, NounCommand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.core.management.base import CommandParser

    from webgraph.documents.problems import FlowProblem


class Command(NounCommand):
    help = "Check, compare, publish and roll back flow documents."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, json: bool, **_: Any) -> None:  # noqa: FBT001 - argparse hands options over by name
        """List the documents that are kept, with their published and their newest version."""
        rows = [
            {
                "key": row.key,
                "kind": row.kind,
                "published": row.latest_version.number if row.latest_version else None,
                "newest": row.versions.values_list("number", flat=True).order_by("-number").first(),
                "title": row.title,
            }
            for row in Automation.objects.filter(kind__in=flows.DOCUMENTS).select_related("latest_version")
        ]
        if json:
            self.say_json(rows)
            return
        head = ("KEY", "KIND", "PUBLISHED", "NEWEST", "TITLE")
        lines = (
            (row["key"], row["kind"], row["published"] or "-", row["newest"] or "-", row["title"])
            for row in rows
        )
        self.say_table(head, lines, empty="There is no flow document. See: flows publish --help")

    def show_arguments(self, parser: CommandParser) -> None:
        """Arguments of `show`."""
        parser.add_argument("key")
        parser.add_argument("--version", type=int, metavar="N", help="Else the published one.")

    def do_show(self, key: str, version: int | None, **_: Any) -> None:
        """Print the text of a version."""
        self.stdout.write(_of(key, version).source, ending="")

    def check_arguments(self, parser: CommandParser) -> None:
        """Arguments of `check`."""
        _file(parser)
        parser.add_argument("--json", action="store_true")

    def do_check(self, file: str, *, json: bool, **_: Any) -> None:
        """Say everything that keeps a document from being published; exit code 1 when something does."""
        problems = flows.check_flow(text=_text(file))
        if json:
            self.say_json([problem._asdict() for problem in problems])
            sys.exit(1 if problems else 0)
        if problems:
            raise CommandError(_lines(file, problems))
        self.say("It can be published.")

    def diff_arguments(self, parser: CommandParser) -> None:
        """Arguments of `diff`."""
        parser.add_argument("key")
        _file(parser)
        parser.add_argument("--version", type=int, metavar="N", help="Compare with this one.")

    def do_diff(self, key: str, file: str, version: int | None, **_: Any) -> None:
        """Show what a document changes in the published version; exit code 1 when it changes something."""
        try:
            changes = flows.diff_flow(key=key, text=_text(file), number=version)
        except AutomationsError as error:
            raise CommandError(str(error), returncode=2) from error
        if changes:
            self.stdout.write(changes, ending="")
            sys.exit(1)
        self.say("It changes nothing.")

    def publish_arguments(self, parser: CommandParser) -> None:
        """Arguments of `publish`."""
        _file(parser)
        parser.add_argument("--reason", default="")

    def do_publish(self, file: str, reason: str, **_: Any) -> None:
        """Keep a document as a new version, which is what runs from now on."""
        try:
            version = flows.publish_flow(text=_text(file), actor=ACTOR, reason=reason)
        except FlowRefusedError as error:
            raise CommandError(_lines(file, error.problems)) from error
        except AutomationsError as error:
            raise CommandError(str(error)) from error
        self.say(f"{version} is published.")

    def rollback_arguments(self, parser: CommandParser) -> None:
        """Arguments of `rollback`."""
        parser.add_argument("key")
        parser.add_argument("number", type=int, metavar="N")
        parser.add_argument("--reason", default="")

    def do_rollback(self, key: str, number: int, reason: str, **_: Any) -> None:
        """Make an earlier version what runs from now on."""
        try:
            version = flows.roll_back(key=key, number=number, actor=ACTOR, reason=reason)
        except AutomationsError as error:
            raise CommandError(str(error)) from error
        self.say(f"{version} is published.")


def _file(parser: CommandParser) -> None:
    parser.add_argument("file", metavar="FILE", help="A document in YAML or JSON; - reads standard input.")


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}.", returncode=2) from error


def _lines(file: str, problems: Iterable[FlowProblem]) -> str:
    """The problems as compilers print them, so that an editor finds the line."""
    return "\n".join(
        f"{file}:{item.line}: {item.path}: {item.message}".replace(": :", ":") for item in problems
    )


def _of(key: str, number: int | None) -> Any:
    try:
        return flows.version_of(key=key, number=number)
    except AutomationsError as error:
        raise CommandError(str(error)) from error
