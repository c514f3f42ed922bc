"""`manage.py heals list|show|adopt|refuse`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from automations.errors import AutomationsError
from automations.models import AutomationKind, HealProposal, HealState
from automations.services import healing
from automations.services.source_places import places_of
from infra_shared.nouns import ACTOR, NounCommand

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = (
        "Look at targets that runs found another way than written; adopt or refuse how they could be written."
    )

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--all", action="store_true", help="Also those that are decided.")
        parser.add_argument("--json", action="store_true")

    def do_list(self, *, json: bool, **options: Any) -> None:
        """List the open proposals, the one seen last first."""
        rows = HealProposal.objects.select_related("automation")
        shown = [_facts(row) for row in (rows if options["all"] else rows.open())]
        if json:
            self.say_json(shown)
            return
        head = ("ID", "STATE", "AUTOMATION", "STEP", "NEW SELECTOR", "RUNS")
        lines = [
            (
                row["id"],
                row["state"],
                row["automation"],
                row["step"],
                row["new_target"]["css"][0],
                row["agreed"],
            )
            for row in shown
        ]
        self.say_table(head, lines, empty="Every target is found as it is written.")

    def show_arguments(self, parser: CommandParser) -> None:
        """Arguments of `show`."""
        _id(parser)

    def do_show(self, *, id: int, **_: Any) -> None:  # noqa: A002 - the argument's name on the command line
        """Print one proposal, with the lines of code to change where there are any, as JSON."""
        proposal = _one(id)
        latest = proposal.automation.latest_version
        in_code = proposal.automation.kind == AutomationKind.PYTHON
        old, new = proposal.old_target, proposal.new_target
        places = places_of(latest, old=old, new=new) if in_code else []
        source = [
            {"file": place.file, "line": place.line, "before": place.before, "after": place.after}
            for place in places
        ]
        self.say_json({**_facts(proposal), "is_moot": healing.is_moot(proposal), "source": source})

    def adopt_arguments(self, parser: CommandParser) -> None:
        """Arguments of `adopt`."""
        _id(parser)
        parser.add_argument("--reason", default="")

    def do_adopt(self, *, id: int, reason: str, **_: Any) -> None:  # noqa: A002 - as above
        """Let the new target replace the old one from the next run on."""
        proposal = _decided(healing.adopt, id, reason)
        self.say(
            f"Adopted; {proposal.adopted_version} looks for {proposal.new_target['css'][0]} from now on."
        )

    def refuse_arguments(self, parser: CommandParser) -> None:
        """Arguments of `refuse`."""
        _id(parser)
        parser.add_argument("--reason", default="")

    def do_refuse(self, *, id: int, reason: str, **_: Any) -> None:  # noqa: A002 - as above
        """Never propose this selector for this target again, and apply it no more."""
        _decided(healing.refuse, id, reason)
        self.say("Refused; it is not proposed again.")


def _id(parser: CommandParser) -> None:
    parser.add_argument("id", type=int, metavar="ID", help="As `heals list` prints it.")


def _one(pk: int) -> HealProposal:
    rows = HealProposal.objects.select_related(
        "automation__latest_version__automation", "version__automation"
    )
    found = rows.filter(pk=pk).first()
    if found is None:
        raise CommandError(f"There is no heal proposal {pk}. See: manage.py heals list --all")
    return found


def _decided(decide: Callable[..., HealProposal], pk: int, reason: str) -> HealProposal:
    try:
        return decide(proposal_id=_one(pk).pk, actor=ACTOR, reason=reason)
    except AutomationsError as error:
        raise CommandError(str(error)) from error


def _facts(row: HealProposal) -> dict[str, Any]:
    return {
        "id": row.pk,
        "state": HealState(row.state).value,
        "automation": row.automation.key,
        "stage": row.stage,
        "step": row.description,
        "old_target": row.old_target,
        "new_target": row.new_target,
        "agreed": row.agreed,
        "disagreed": row.disagreed,
        "last_run": str(row.last_run),
        "last_seen_at": row.last_seen_at.isoformat(),
    }
