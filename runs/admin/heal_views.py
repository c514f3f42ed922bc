"""What the page of a heal proposal shows: the runs behind it, and what adopting would change, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automations.admin.differences import difference
from automations.models import AutomationKind, HealState
from automations.services.source_places import places_of
from infra_shared.reach import reaches_all
from runs.models import Run
from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.rewriting import with_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from automations.admin.differences import Difference
    from automations.models import HealProposal
    from automations.services.source_places import SourcePlace

_WAYS = ("css", "test_id", "text", "xpath")
_FOUND = {
    "dom": "another of its selectors",
    "axtree": "the accessibility tree, by its role and name",
    "vision": "the picture",
}


@dataclass(frozen=True, slots=True)
class HealView:
    """The parts of the page that are read for it."""

    found_by: str
    selector: str
    target: Difference
    document: Difference | None
    places: list[tuple[SourcePlace, Difference]]
    first_run: Run | None
    last_run: Run | None


def read_heal(proposal: HealProposal) -> HealView:
    """Everything the page of one proposal shows besides its own row."""
    runs = Run.objects.in_bulk([proposal.first_run, proposal.last_run])
    in_code = proposal.automation.kind == AutomationKind.PYTHON
    return HealView(
        found_by=_FOUND[proposal.tier],
        selector=selector_of(proposal.new_target),
        target=difference(
            "The target", before=_written(proposal.old_target), after=_written(proposal.new_target)
        ),
        document=None if in_code else _document(proposal),
        places=_places(proposal) if in_code else [],
        first_run=runs.get(proposal.first_run),
        last_run=runs.get(proposal.last_run),
    )


def may_see_heals(request: HttpRequest) -> bool:
    """Whether proposals are there for the operator who asks: they concern every customer."""
    return request.user.has_perm("automations.view_healproposal") and reaches_all(request.user)


def selector_of(target: Mapping[str, Any]) -> str:
    """The first thing a target says to the DOM tier; what it says besides where it says nothing to it."""
    for way in _WAYS:
        if target.get(way):
            return str(target[way][0])
    return ", ".join(f"{name}: {value}" for name, value in target.items())


def _written(target: Mapping[str, Any]) -> str:
    """A target with one line for each thing it says."""
    lines: list[str] = []
    for name, value in target.items():
        if isinstance(value, list):
            lines += [f"{name}:", *(f"  {item}" for item in value)]
        else:
            lines.append(f"{name}: {value}")
    return "\n".join(lines)


def _places(proposal: HealProposal) -> list[tuple[SourcePlace, Difference]]:
    """Where the published source writes the old target, else where it was written when this was proposed."""
    old, new = proposal.old_target, proposal.new_target
    found = places_of(proposal.automation.latest_version, old=old, new=new)
    found = found or places_of(proposal.version, old=old, new=new)
    return [
        (place, difference(f"{place.file}, line {place.line}", before=place.before, after=place.after))
        for place in found
    ]


def _document(proposal: HealProposal) -> Difference | None:
    """What adopting changes in the published document, or has changed in it."""
    version = proposal.version if proposal.state != HealState.OPEN else proposal.automation.latest_version
    for text in (version.source, *version.included.values()) if version is not None else ():
        try:
            changed = with_target(text, old=proposal.old_target, new=proposal.new_target)
        except FlowDocumentError:
            return None  # a person has to change it; the page says so
        if changed is not None:
            return difference("The document", before=text, after=changed)
    return None
