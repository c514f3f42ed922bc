"""Texts that somebody is working on: looked at without being kept, and published only over what they began from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from automations.errors import FlowChangedError, FlowRefusedError
from automations.models import Automation
from automations.services import flows
from infra_shared.models import AuditLine
from webgraph.documents.outline import outline
from webgraph.documents.problems import FlowDocumentError, FlowProblem
from webgraph.documents.source import read_source

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from webgraph.documents.outline import Outline

PUBLISHING = ("flow.publish", "flow.roll_back")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text with what it began from: a flow's key and the number of its version published then; "" and 0: nothing."""

    text: str
    key: str = ""
    based_on: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDraft:
    """What is wrong with a draft, in the order of its lines; its outline, where the document itself is fine."""

    problems: list[FlowProblem]
    outline: Outline | None = None


def check_draft(draft: Draft) -> CheckedDraft:
    """Everything that keeps a draft from being published, its key among it; writes nothing."""
    try:
        understood = outline(draft.text, shared=flows.PublishedShared())
    except FlowDocumentError as error:
        return CheckedDraft(problems=error.problems)
    reason = _key_problem(draft, understood)
    problems = [read_source(draft.text).problem(("key",), reason)] if reason else []
    return CheckedDraft(problems=problems, outline=understood)


@transaction.atomic
def publish_draft(*, draft: Draft, actor: str, reason: str = "") -> AutomationVersion:
    """Make a draft what runs from now on, as `flows.publish_flow` does.

    Raises FlowRefusedError with what `check_draft` finds, and FlowChangedError when another version was published since
    the draft was begun: nothing is kept then, and nobody's work is overwritten.
    """
    problems = check_draft(draft).problems
    if problems:
        raise FlowRefusedError(problems)
    version = flows.save_flow(text=draft.text, actor=actor, reason=reason)
    _refuse_over_another(version.automation.key, draft.based_on)
    flows.publish_version(version=version, actor=actor, reason=reason)
    return version


@transaction.atomic
def roll_back_from(
    *, key: str, number: int, based_on: int, actor: str, reason: str = ""
) -> AutomationVersion:
    """Publish an earlier version, as `flows.roll_back` does, if `based_on` is what is published until then.

    Raises UnknownFlowError, FlowRefusedError or FlowChangedError.
    """
    _refuse_over_another(key, based_on)
    return flows.roll_back(key=key, number=number, actor=actor, reason=reason)


def publisher_of(version: AutomationVersion) -> AuditLine | None:
    """The line of the audit log that says who published a version last, when and why."""
    lines = AuditLine.objects.about("automation", version.automation.key)
    return lines.filter(action__in=PUBLISHING, details__version=version.number).first()


def _key_problem(draft: Draft, understood: Outline) -> str:
    """Why a document of this key cannot be published here; empty when it can."""
    key = understood.key
    if draft.key and key != draft.key:
        return (
            f"This is the flow {draft.key!r}, and its key stays. Publish another key as a new flow document."
        )
    known = Automation.objects.filter(key=key).first()
    if known is None:
        return ""
    if known.kind not in flows.DOCUMENTS or (known.kind == "shared") is not understood.is_shared:
        kind = known.get_kind_display()
        return f"The key {key!r} belongs to an automation of another kind ({kind}); choose another key."
    if not draft.key and known.latest_version_id is not None:
        return f"There is a flow {key!r} already: edit that one, or choose another key."
    return ""


def _refuse_over_another(key: str, based_on: int) -> None:
    """Raise FlowChangedError unless this version is still the published one; locks the flow for the transaction."""
    automation = Automation.objects.select_for_update().filter(key=key).first()
    latest = automation.latest_version if automation is not None else None
    published = latest.number if latest is not None else 0
    if published != based_on:
        began = f"version {based_on}" if based_on else "nothing"
        now = f"version {published}" if published else "nothing"
        msg = f"{key} was published by somebody else meanwhile: it began from {began}, and {now} is published now."
        raise FlowChangedError(msg, published)
