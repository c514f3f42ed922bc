"""`manage.py recordings import FILE`: a recording of Chrome's DevTools Recorder becomes a flow document."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from automations.errors import AutomationsError
from automations.models import Credential
from automations.services.flows import publish_flow
from infra_shared.nouns import ACTOR, NounCommand
from webgraph.documents.recordings.format import RecordingError
from webgraph.documents.recordings.importing import import_recording
from webgraph.recorder import Effect

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

    from webgraph.documents.recordings.importing import ImportedFlow

LEFT_OUT = 3
"""Exit code when --publish was refused because the flow would not do all that was recorded."""


class Command(NounCommand):
    help = "Turn recordings of Chrome's DevTools Recorder into flow documents."

    def import_arguments(self, parser: CommandParser) -> None:
        """Arguments of `import`."""
        parser.add_argument(
            "file", metavar="FILE", help="The recording, exported as JSON; - reads standard input."
        )
        parser.add_argument("--key", help="The flow's key; else made from the recording's title.")
        parser.add_argument(
            "--credential", metavar="NAME", help="Where typed passwords come from; else named after the site."
        )
        parser.add_argument(
            "--effect",
            choices=[effect.value for effect in Effect],
            default=Effect.COMMIT.value,
            help="What its steps do to the outside world; commit, the careful choice, unless you say otherwise.",
        )
        goal = parser.add_mutually_exclusive_group()
        goal.add_argument("--out", metavar="FILE", help="Write the document there; else it is printed.")
        goal.add_argument("--publish", action="store_true", help="Publish it, so that it can be run at once.")
        parser.add_argument(
            "--partial", action="store_true", help="Publish it even if something recorded is left out."
        )

    def do_import(
        self, file: str, *, key: str | None, credential: str | None, effect: str, **goal: Any
    ) -> None:
        """Turn a recording into a flow document."""
        try:
            imported = import_recording(_text(file), key=key, credential=credential, effect=Effect(effect))
        except RecordingError as error:
            raise CommandError(str(error)) from error
        for item in imported.unsupported:
            self.stderr.write(f"not taken over: {item}")
        if goal["publish"]:
            self._publish(imported, partial=goal["partial"])
        elif goal["out"]:
            _write(goal["out"], imported.text)
            self.say(f"wrote {goal['out']}")
        else:
            self.stdout.write(imported.text, ending="")

    def _publish(self, imported: ImportedFlow, *, partial: bool) -> None:
        if imported.unsupported and not partial:
            raise CommandError(
                "It is not published, because the flow would not do all that was recorded. "
                "Write it to a file with --out and complete it, or publish it as it is with --partial.",
                returncode=LEFT_OUT,
            )
        try:
            version = publish_flow(text=imported.text, actor=ACTOR, reason="imported from a recording")
        except AutomationsError as error:
            raise CommandError(str(error)) from error
        self.say(f"{version} is published.")
        known = set(Credential.objects.filter(name__in=imported.credentials).values_list("name", flat=True))
        for name in sorted(set(imported.credentials) - known):
            self.say(f"Set the password it needs: manage.py credentials set {name} password")


def _write(file: str, text: str) -> None:
    try:
        with Path(file).open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError as error:
        raise CommandError(f"{file} is there already, perhaps with work in it. Name another file.") from error
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.") from error


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}.", returncode=2) from error
