"""What the pages of the flow editor say about a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automations.admin.differences import differences, differences_of_texts
from automations.models import Credential
from automations.services.flow_drafts import Draft, check_draft, publisher_of

if TYPE_CHECKING:
    from automations.models import Automation


def draft_of(automation: Automation) -> Draft:
    """The draft an editor begins with: the published text of a flow, its newest one where none is published."""
    latest = automation.latest_version
    newest = latest or automation.versions.order_by("-number").first()
    return Draft(
        text=newest.source if newest else "",
        key=automation.key,
        based_on=latest.number if latest else 0,
    )


def facts_of(draft: Draft, automation: Automation | None) -> dict[str, Any]:
    """Its problems, what is understood of it, what it changes in the version it began from, and what it still lacks.

    `theirs` is there when another version was published meanwhile: with who did it, and what it changed.
    """
    checked = check_draft(draft)
    outline = checked.outline
    base = automation.versions.filter(number=draft.based_on).first() if automation else None
    wanted = outline.credentials if outline else ()
    known = (
        set(Credential.objects.filter(name__in=wanted).values_list("name", flat=True)) if wanted else set()
    )
    changes = []
    if base is not None:
        included = outline.included if outline else base.included
        changes = differences_of_texts(base, text=draft.text, included=included)
    facts: dict[str, Any] = {
        "problems": checked.problems,
        "outline": outline,
        "base": base,
        "changes": changes,
        "missing_credentials": [name for name in wanted if name not in known],
    }
    theirs = automation.latest_version if automation else None
    if theirs is not None and theirs != base:
        facts |= {
            "theirs": theirs,
            "published_by": publisher_of(theirs),
            "their_changes": differences(base, theirs) if base is not None else [],
        }
    return facts
