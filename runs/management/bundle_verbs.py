"""`manage.py runs export|import`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from infra_shared.nouns import ACTOR, NounCommand, at_least
from runs.admin.downloads import everything_of
from runs.errors import RunsError
from runs.management.wanted import wanted_run
from runs.services.bundle_files import MOST_BYTES
from runs.services.bundle_import import import_run

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class BundleVerbs(NounCommand):
    """The verbs that carry a run from one installation to another."""

    def export_arguments(self, parser: CommandParser) -> None:
        """Arguments of `export`."""
        parser.add_argument("id")
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true")

    def do_export(self, id: str, file: Path, *, json: bool, **_: Any) -> None:  # noqa: A002 - the argument's name on the command line
        """Write a run that has ended, with everything it left, into a zip file that another installation imports."""
        run = wanted_run(id)
        if not run.is_terminal:
            raise CommandError(f"The run has not ended: it is {run.get_state_display().lower()}.")
        partial = file.with_name(f"{file.name}.partial")
        try:
            with partial.open("wb") as target:
                target.writelines(everything_of(run))
                target.flush()
                os.fsync(target.fileno())
            partial.replace(file)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        size = file.stat().st_size
        if json:
            self.say_json({"run": str(run.pk), "file": str(file), "size_bytes": size})
        else:
            self.say(f"{file}: {size} bytes")

    def import_arguments(self, parser: CommandParser) -> None:
        """Arguments of `import`."""
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--customer", default="", metavar="KEY", help="Whose it becomes; else the same key."
        )
        parser.add_argument("--pin", action="store_true", help="Keep it, however long ago it ended.")
        parser.add_argument(
            "--max-bytes", type=at_least(1), default=MOST_BYTES, help="The most its files may unpack to."
        )
        parser.add_argument("--json", action="store_true")

    def do_import(
        self, file: Path, customer: str, *, pin: bool, max_bytes: int, json: bool, **_: Any
    ) -> None:
        """Bring a run here that was exported elsewhere; the same file again changes nothing."""
        try:
            done = import_run(path=file, actor=ACTOR, customer=customer, pin=pin, most_bytes=max_bytes)
        except RunsError as error:
            raise CommandError(f"{file} was not imported. {error}") from error
        if json:
            self.say_json({"run": str(done.run.pk), "created": done.created, "files": done.files})
        elif done.created:
            self.say(f"{done.run.pk} is here, with {done.files} files. Retention counts from when it ended.")
        else:
            self.say(f"{done.run.pk} is here already; nothing was changed.")
