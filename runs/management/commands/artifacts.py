"""`manage.py artifacts prune|usage|deletions|check|deliver|reference`: what is kept, what went, and whether it is whole."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db.models import Q, Sum

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.spool import SpoolError
from infra_shared.database import database_now
from infra_shared.models import Deletion
from infra_shared.nouns import ACTOR, NounCommand, at_least
from infra_shared.retention import Order
from infra_shared.services.blob_checks import Checked, check_blobs
from infra_shared.services.pruning import Round, prune
from infra_shared.services.spools import spool_folder
from infra_shared.sizes import in_words
from runs.cluster.spool_keeper import look_after_spool
from runs.management.retention_page import page
from runs.models import Artifact
from runs.services.storage_outlook import read_outlooks
from runs.services.storage_use import recount

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

PROBLEM = 1
UNFINISHED = 3
_RUNS_SHOWN = 3


class Command(NounCommand):
    help = "Remove what is kept no longer, say what is stored and what was removed, and check the store."

    def prune_arguments(self, parser: CommandParser) -> None:
        """Arguments of `prune`."""
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be removed.")
        parser.add_argument(
            "--seconds", type=at_least(1), help="Stop after so long; ends with 3 if more is left."
        )
        parser.add_argument("--json", action="store_true", help="For scripts; no progress.")

    def do_prune(self, dry_run: bool, seconds: int | None, json: bool, **_: Any) -> None:  # noqa: FBT001 - by name
        """Remove everything that rules, quotas and the store's orphans say; needs the database and the store alone."""
        order = Order(now=database_now(), actor=ACTOR, dry_run=dry_run)
        done = prune(order, seconds=seconds, told=(lambda _: None) if json else self._progress)
        if json:
            self.say_json(
                {
                    "dry_run": dry_run,
                    "is_complete": done.is_complete,
                    "removed": _lines(done),
                    "problems": done.problems,
                }
            )
        else:
            self._say_round(done, dry_run=dry_run)
        if done.problems:
            raise CommandError("Not everything could be looked at.", returncode=PROBLEM)
        if not done.is_complete:
            raise CommandError("The time is over, and more is left.", returncode=UNFINISHED)

    def usage_arguments(self, parser: CommandParser) -> None:
        """Arguments of `usage`."""
        parser.add_argument("--json", action="store_true", help="For scripts.")

    def do_usage(self, json: bool, **_: Any) -> None:  # noqa: FBT001 - by name
        """Say what each customer has stored, its quota, and what it will have in a month."""
        recount(now=database_now())
        outlooks = read_outlooks()
        if json:
            self.say_json(
                [
                    {
                        "customer": item.customer.key,
                        "stored_bytes": item.forecast.now_bytes,
                        "quota_bytes": item.most_bytes,
                        "bytes_per_day": item.forecast.per_day,
                        "in_30_days_bytes": item.in_a_month,
                    }
                    for item in outlooks
                ]
            )
            return
        rows = (
            (
                item.customer.key,
                in_words(item.forecast.now_bytes),
                in_words(item.most_bytes) if item.most_bytes else "none",
                "too early to say" if item.in_a_month is None else in_words(item.in_a_month),
            )
            for item in outlooks
        )
        self.say_table(("CUSTOMER", "STORED", "QUOTA", "IN 30 DAYS"), rows, empty="Nothing is stored.")

    def deletions_arguments(self, parser: CommandParser) -> None:
        """Arguments of `deletions`."""
        parser.add_argument("--days", type=at_least(1), default=30, help="How far back; 30 unless told.")
        parser.add_argument("--json", action="store_true", help="For scripts.")

    def do_deletions(self, days: int, json: bool, **_: Any) -> None:  # noqa: FBT001 - by name
        """Say what was removed, by which rule, for whom."""
        lines = Deletion.objects.filter(at__gte=database_now() - timedelta(days=days)).order_by()
        sums = lines.values("what", "rule", "customer").annotate(count=Sum("rows"), size=Sum("size_bytes"))
        rows = [
            {
                "what": item["what"],
                "rule": item["rule"],
                "customer": item["customer"],
                "rows": item["count"],
                "size_bytes": item["size"],
            }
            for item in sums.order_by("what", "rule", "customer")
        ]
        if json:
            self.say_json(rows)
            return
        self._say_lines(rows, empty="Nothing was removed.")

    def check_arguments(self, parser: CommandParser) -> None:
        """Arguments of `check`."""
        parser.add_argument(
            "--sample",
            type=at_least(1),
            help="Only so many: those not looked at for longest. All unless told.",
        )
        parser.add_argument("--json", action="store_true", help="For scripts; no progress.")

    def do_check(self, sample: int | None, json: bool, **_: Any) -> None:  # noqa: FBT001 - by name
        """Read what is stored again and compare it with its SHA-256; ends with 1 for findings, 3 for no answer."""
        checked = check_blobs(
            store=artifact_store(), sample=sample, told=(lambda _: None) if json else self._check_progress
        )
        if json:
            self.say_json(
                {
                    "ok": checked.ok,
                    "missing": checked.missing,
                    "damaged": checked.damaged,
                    "read_bytes": checked.read_bytes,
                    "problem": checked.problem,
                }
            )
        else:
            found = [("missing", digest) for digest in checked.missing]
            found += [("damaged", digest) for digest in checked.damaged]
            rows = ((word, digest, _runs_with(digest)) for word, digest in found)
            self.say_table(("FOUND", "SHA-256", "RUNS"), rows, empty="Nothing is missing or damaged.")
            self.say(f"{checked.ok} are as they were put, {in_words(checked.read_bytes)} read.")
        if checked.missing or checked.damaged:
            raise CommandError("Some stored bytes are missing or damaged.", returncode=PROBLEM)
        if checked.problem:
            raise CommandError(f"Not everything could be looked at: {checked.problem}", returncode=UNFINISHED)

    def deliver_arguments(self, parser: CommandParser) -> None:
        """Arguments of `deliver`."""
        parser.add_argument("--json", action="store_true", help="For scripts.")

    def do_deliver(self, json: bool, **_: Any) -> None:  # noqa: FBT001 - by name
        """Bring what waits on this machine into the store now; ends with 3 if something is left."""
        try:
            problem = look_after_spool()
        except SpoolError as error:
            raise CommandError(error.reason, returncode=PROBLEM) from error
        left = spool_folder().state()
        files, size = left.files, left.waiting_bytes
        if json:
            self.say_json({"files": files, "waiting_bytes": size, "problem": problem})
        else:
            self.say(f"{files} wait here, {in_words(size)}." if files else "Nothing waits on this machine.")
        if files:
            raise CommandError(
                problem or "More is left than fits into one time. Call it again.", returncode=UNFINISHED
            )

    def do_reference(self, **_: Any) -> None:
        """Print docs/retention.md: the default rules, and every table with its end."""
        self.say(page().rstrip())

    def _check_progress(self, checked: Checked) -> None:
        self.stderr.write(f"{checked.looked_at} so far\r", ending="")

    def _progress(self, done: Round) -> None:
        self.stderr.write(f"{done.total_rows} so far\r", ending="")

    def _say_round(self, done: Round, *, dry_run: bool) -> None:
        rows = [line for line in _lines(done) if line["rows"]]
        self._say_lines(rows, empty="Nothing is too old, and nothing is left over.")
        if dry_run and rows:
            self.say("Nothing was removed: this was a dry run.")
        for sweep, problem in done.problems.items():
            self.stderr.write(f"{sweep}: {problem}")

    def _say_lines(self, rows: list[dict[str, Any]], *, empty: str) -> None:
        cells = (
            (row["what"], row["rule"], row["customer"] or "-", row["rows"], in_words(row["size_bytes"]))
            for row in rows
        )
        self.say_table(("WHAT", "RULE", "CUSTOMER", "ROWS", "BYTES"), cells, empty=empty)


def _runs_with(digest: str) -> str:
    """The runs that show these bytes, as far as a line holds them."""
    rows = Artifact.objects.filter(Q(blob=digest) | Q(sealed_blob=digest)).order_by("pk")
    runs = [str(run) for run in rows.values_list("run_id", flat=True).distinct()[: _RUNS_SHOWN + 1]]
    return " ".join(runs[:_RUNS_SHOWN]) + (" …" if len(runs) > _RUNS_SHOWN else "")


def _lines(done: Round) -> list[dict[str, Any]]:
    return [
        {"what": key[0], "rule": key[1], "customer": key[2], "rows": rows, "size_bytes": done.size_bytes[key]}
        for key, rows in sorted(done.rows.items())
    ]
