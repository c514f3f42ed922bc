"""`manage.py backup create|list|verify|prune|restore|refill`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from infra_shared import clock
from infra_shared.backups.creating import blobs_now, create_backup
from infra_shared.backups.errors import BackupError
from infra_shared.backups.manifest import read_manifest
from infra_shared.backups.place import BackupPlace
from infra_shared.backups.pruning import prune_backups
from infra_shared.backups.refilling import refill_store
from infra_shared.backups.restoring import RestoreOrder, restore_backup
from infra_shared.backups.thinning import Policy
from infra_shared.backups.verifying import verify_backup
from infra_shared.nouns import ACTOR, NounCommand, at_least
from infra_shared.sizes import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.core.management.base import CommandParser

    from infra_shared.backups.pruning import Pruned
    from infra_shared.backups.restoring import Restored

INCOMPLETE = 3
_TOLD_EVERY_SECONDS = 2.0
_NAMED = 10
_DEFAULT = Policy()
_RULES = {
    "last": "The newest ones",
    "daily": "The newest of so many days",
    "weekly": "The newest of so many weeks",
    "monthly": "The newest of so many months",
}


class Command(NounCommand):
    help = "Back up the database and all stored files, check a back-up, and restore one into an empty place."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def create_arguments(self, parser: CommandParser) -> None:
        """Arguments of `create`."""
        _shared(parser)
        _client(parser)

    def do_create(self, folder: Path, pg_bin: Path | None, *, json: bool, **_: Any) -> None:
        """Make a back-up while everything runs; what DIR has already of earlier ones is not copied again."""
        with _told():
            made = create_backup(
                place=BackupPlace(folder), actor=ACTOR, tell=self._teller(quiet=json), pg_bin=pg_bin
            )
        if json:
            self.say_json(asdict(made))
        else:
            self.say(
                f"{made.folder}: {made.rows} rows, {made.blobs} files, {made.copied} of them copied now "
                f"({made.copied_bytes} bytes). The keys are not in it: keep FIELD_ENCRYPTION_KEYS apart."
            )
        if made.missing:
            raise CommandError(
                _lacking(made.missing, "are not in the store, or damaged there"), returncode=INCOMPLETE
            )

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        _shared(parser)

    def do_list(self, folder: Path, *, json: bool, **_: Any) -> None:
        """List the back-ups in DIR, the oldest first."""
        place = BackupPlace(folder)
        with _told():
            found = [(name, read_manifest(place.folder(name))) for name in place.names()]
        if json:
            self.say_json([{"name": name, **manifest.model_dump(mode="json")} for name, manifest in found])
            return
        rows = [
            (name, about.vendor, sum(about.rows.values()), about.blobs.count, len(about.blobs.missing))
            for name, about in found
        ]
        self.say_table(
            ("NAME", "DATABASE", "ROWS", "FILES", "MISSING"), rows, empty=f"There is no back-up in {folder}."
        )

    def verify_arguments(self, parser: CommandParser) -> None:
        """Arguments of `verify`."""
        _shared(parser)
        _name(parser)

    def do_verify(self, folder: Path, name: str | None, *, json: bool, **_: Any) -> None:
        """Read a whole back-up, the newest unless one is named; ends with 1 when anything of it is damaged."""
        with _told():
            found = verify_backup(place=BackupPlace(folder), name=name, tell=self._teller(quiet=json))
        missing = list(found.manifest.blobs.missing)
        if json:
            about = {
                "folder": found.folder,
                "files": found.blobs,
                "missing": missing,
                "problems": found.problems,
            }
            self.say_json(about)
        for problem in found.problems[:_NAMED]:
            self.stderr.write(problem)
        if found.problems:
            raise CommandError(
                f"{found.folder} is not whole: {len(found.problems)} problems. Make another one."
            )
        if not json:
            lacks = f", {len(missing)} files were missing when it was made" if missing else ""
            self.say(f"{found.folder} is whole: {found.blobs} files{lacks}.")

    def prune_arguments(self, parser: CommandParser) -> None:
        """Arguments of `prune`."""
        _shared(parser)
        for rule, words in _RULES.items():
            number = getattr(_DEFAULT, rule)
            parser.add_argument(
                f"--keep-{rule}",
                type=at_least(0),
                default=number,
                metavar="N",
                help=f"{words}; {number} unless told.",
            )
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would be removed, and remove nothing."
        )

    def do_prune(self, folder: Path, *, dry_run: bool, json: bool, **options: Any) -> None:
        """Remove the back-ups that no rule keeps, and files that none of the others needs; never the newest whole one."""
        policy = Policy(**{rule: options[f"keep_{rule}"] for rule in _RULES})
        with _told():
            done = prune_backups(
                place=BackupPlace(folder),
                policy=policy,
                actor=ACTOR,
                dry_run=dry_run,
                tell=self._teller(quiet=json),
            )
        if json:
            self.say_json({"dry_run": dry_run, **asdict(done)})
            return
        self._say_pruned(done, dry_run=dry_run)

    def restore_arguments(self, parser: CommandParser) -> None:
        """Arguments of `restore`."""
        _shared(parser)
        _name(parser)
        _client(parser)
        parser.add_argument(
            "--reuse-blobs",
            action="store_true",
            help="The store may hold files already: keep them and copy the rest.",
        )
        parser.add_argument(
            "--without-keys",
            action="store_true",
            help="Restore although keys are missing and what they encrypt cannot be read.",
        )

    def do_restore(self, folder: Path, *, json: bool, **options: Any) -> None:
        """Restore a back-up, the newest unless one is named, into an empty database and an empty store."""
        names = ("name", "reuse_blobs", "without_keys", "pg_bin")
        order = RestoreOrder(**{name: options[name] for name in names})
        with _told():
            done = restore_backup(
                place=BackupPlace(folder), order=order, actor=ACTOR, tell=self._teller(quiet=json)
            )
        if json:
            self.say_json(asdict(done))
        else:
            newer = " Migrations of this release were run." if done.migrated else ""
            self.say(f"{done.folder}: {done.rows} rows, {done.copied} files, {done.there} were there.{newer}")
        self._complain(done)

    def refill_arguments(self, parser: CommandParser) -> None:
        """Arguments of `refill`."""
        _shared(parser)

    def do_refill(self, folder: Path, *, json: bool, **_: Any) -> None:
        """Bring back the files the store has lost, for the rows of the database that is there, from any back-up in DIR."""
        with _told():
            tell = self._teller(quiet=json)
            done = refill_store(place=BackupPlace(folder), blobs=blobs_now(), actor=ACTOR, tell=tell)
        if json:
            self.say_json(asdict(done))
        else:
            self.say(f"{done.copied} files brought back, {done.there} were there.")
        if done.missing:
            raise CommandError(_lacking(done.missing, "are in no back-up"), returncode=INCOMPLETE)

    def _say_pruned(self, done: Pruned, *, dry_run: bool) -> None:
        goes = "would be removed" if dry_run else "removed"
        rows = {name: ", ".join(reasons) for name, reasons in done.kept.items()}
        rows |= dict.fromkeys(done.removed, goes) | dict.fromkeys(done.broken_off, f"broken off; {goes}")
        self.say_table(("NAME", "KEPT FOR"), sorted(rows.items()), empty="There is no back-up.")
        self.say(f"{done.files} files that none of them needs {goes}, {in_words(done.freed_bytes)}.")
        if dry_run:
            self.say("Nothing was removed: this was a dry run.")

    def _complain(self, done: Restored) -> None:
        if done.missing:
            self.stderr.write(_lacking(done.missing, "are not in the back-up"))
        if done.unreadable:
            self.stderr.write(
                f"{done.unreadable} encrypted values fit no key. `manage.py secrets status` says where; set them anew."
            )
        if done.missing or done.unreadable:
            raise CommandError("Restored, but not all of it.", returncode=INCOMPLETE)

    def _teller(self, *, quiet: bool) -> Callable[[str, int], None]:
        last = clock.monotonic()

        def tell(what: str, done: int) -> None:
            nonlocal last
            if not quiet and clock.monotonic() - last >= _TOLD_EVERY_SECONDS:
                last = clock.monotonic()
                self.say(f"{what} {done}" if done else what)

        return tell


@contextmanager
def _told() -> Iterator[None]:
    """What went wrong with a back-up, told as a command's error."""
    try:
        yield
    except BackupError as error:
        raise CommandError(str(error)) from error


def _shared(parser: CommandParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")


def _name(parser: CommandParser) -> None:
    parser.add_argument("--name", help="Which back-up, as `list` shows it; else the newest.")


def _client(parser: CommandParser) -> None:
    parser.add_argument(
        "--pg-bin",
        type=Path,
        metavar="DIR",
        help="Where pg_dump and pg_restore are, if not in a usual folder.",
    )


def _lacking(digests: list[str], what: str) -> str:
    more = f" and {len(digests) - _NAMED} more" if len(digests) > _NAMED else ""
    return f"The bytes of {len(digests)} files {what}: {', '.join(digests[:_NAMED])}{more}."
