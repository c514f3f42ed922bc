"""`manage.py runs bulk-cancel|bulk-rerun`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from infra_shared.moments import moment_of
from infra_shared.nouns import ACTOR, NounCommand
from runs.errors import RunsError
from runs.models import BulkKind
from runs.services.bulk_orders import BulkRequest, give_bulk_order, plan_bulk
from runs.services.bulk_work import work_on
from runs.services.run_filter import RunFilter
from runs.states import Cause, RunState
from webgraph.errors import FailureKind
from webgraph.session import Provenance

if TYPE_CHECKING:
    from datetime import datetime

    from django.core.management.base import CommandParser

PIECE_SECONDS = 5.0
FILTERS = ("automation", "customer", "cause", "failure_kind", "session", "created_after", "created_before")


class BulkVerbs(NounCommand):
    """The verbs about many runs at once: they show what they mean, and do it with --yes."""

    def bulk_cancel_arguments(self, parser: CommandParser) -> None:
        """Arguments of `bulk-cancel`."""
        _add_arguments(parser)

    def do_bulk_cancel(self, **options: Any) -> None:
        """Cancel every run that has not ended and that the filter names."""
        self._bulk(BulkKind.CANCEL, options)

    def bulk_rerun_arguments(self, parser: CommandParser) -> None:
        """Arguments of `bulk-rerun`."""
        _add_arguments(parser)

    def do_bulk_rerun(self, **options: Any) -> None:
        """Rerun every run that failed and that the filter names; with --state also others that ended."""
        self._bulk(BulkKind.RERUN, options)

    def _bulk(self, kind: BulkKind, options: dict[str, Any]) -> None:
        conditions = {name: options[name] for name in FILTERS if options[name]}
        wanted = RunFilter(states=tuple(options["state"]), **conditions)
        request = BulkRequest(kind=kind, filter=wanted, actor=ACTOR, reason=options["reason"])
        try:
            plan = plan_bulk(request)
        except RunsError as error:
            raise CommandError(str(error)) from error
        counts = ", ".join(f"{number} {state}" for state, number in plan.by_state.items())
        self.say(f"{plan.total} runs ({counts})" if plan.total else "There is no such run.")
        for run in plan.sample:
            self.say(f"  {run.pk} {run.automation.key} {run.get_state_display().lower()}")
        if not options["yes"]:
            self.say("Nothing was done. Do it with --yes.")
            return
        if plan.total:
            self._do(request)

    def _do(self, request: BulkRequest) -> None:
        """Work on the order here and now, so that it needs no node; who else has it is waited for by nobody."""
        order = give_bulk_order(request).order
        while (worked := work_on(order_id=order.pk, seconds=PIECE_SECONDS)) is not None:
            self.say(f"{worked.handled} of {worked.total}")
            if worked.finished_at is not None:
                break
        order.refresh_from_db()
        if order.finished_at is None:
            self.say(f"A node goes on with it: order {order.pk}.")
            return
        self.say(f"{order.done} done, {order.skipped} skipped, {order.failed} failed")
        for item in order.items.exclude(reason="")[:20]:
            self.say(f"  {item.run_id} {item.outcome}: {item.reason}")
        if order.failed:
            raise CommandError("Not every run could be done.", returncode=1)


def _add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--state", action="append", default=[], choices=RunState.values)
    parser.add_argument("--automation", metavar="KEY")
    parser.add_argument("--customer", metavar="KEY")
    parser.add_argument("--cause", choices=Cause.values)
    parser.add_argument("--failure-kind", choices=[kind.value for kind in FailureKind])
    parser.add_argument(
        "--session", choices=list(Provenance), help="How an attempt of it came to be signed in."
    )
    parser.add_argument("--created-after", type=_moment, metavar="TIME", help="Such as 2026-11-01T00:00Z.")
    parser.add_argument("--created-before", type=_moment, metavar="TIME")
    parser.add_argument("--reason", default="")
    parser.add_argument("--yes", action="store_true", help="Do it; without, only say what it is about.")


def _moment(word: str) -> datetime:
    try:
        return moment_of(word)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
