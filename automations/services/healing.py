"""Heal proposals: made from runs that succeeded, adopted or refused by operators. Nothing changes by itself.

A flow document is changed where it writes the target, and published as a new version. An automation in code keeps its
source: the adopted proposal is applied while a run is made, for as long as the code names the old target.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F

from automations.errors import HealDecidedError, HealMootError
from automations.models import (
    Automation,
    AutomationKind,
    AutomationVersion,
    HealProposal,
    HealState,
    TargetFingerprint,
)
from automations.services.fingerprints import Sighting, replace_fingerprint
from automations.services.flows import PublishedShared, publish_flow
from automations.services.source_places import places_of
from infra_shared.database import database_now
from infra_shared.services import audit
from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.rewriting import with_target
from webgraph.fingerprint import key_of
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

MOST_OPEN = 50
"""Open proposals of one automation: a page that is rebuilt in each run must not fill the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHeal:
    """One target that a successful run found another way: `webgraph.recorder.Heal` with where and how."""

    key: str
    stage: str
    description: str
    tier: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    seen: Mapping[str, Any]
    picture: UUID | None

    @property
    def digest(self) -> str:
        """What tells proposals for one target apart."""
        return _digest(self.new)


def overrides_for(*, version: AutomationVersion) -> dict[str, Any]:
    """The targets that replace written ones while this version runs, by the written target's key.

    Only of automations in code; a document was changed itself.
    """
    rows = HealProposal.objects.overrides().filter(automation_id=version.automation_id)
    return dict(rows.values_list("target_key", "new_target"))


@transaction.atomic
def note_heals(*, automation_id: int, run_id: UUID, heals: Sequence[SeenHeal]) -> list[HealProposal]:
    """Keep what a successful run proposes, one row for each target and selector; returns the rows it agrees with.

    What was refused stays refused, and what the published version no longer says is not proposed.
    """
    if not heals:
        return []
    automation = _locked(automation_id)
    once = {(heal.key, heal.digest): heal for heal in heals}
    return [row for heal in once.values() if (row := _noted(automation, run_id, heal)) is not None]


@transaction.atomic
def adopt(*, proposal_id: int, actor: str, reason: str = "") -> HealProposal:
    """Let the proposed target replace the old one from the next run on.

    Raises HealDecidedError when somebody decided before, and HealMootError or FlowRefusedError when the published
    version cannot be changed so.
    """
    proposal = _open_one(proposal_id)
    automation = proposal.automation
    version = (
        _published_anew(automation, proposal, actor)
        if automation.kind == AutomationKind.FLOW
        else _published(automation)
    )
    others = HealProposal.objects.filter(
        automation=automation,
        target_key=proposal.target_key,
        state__in=(HealState.OPEN, HealState.ADOPTED),
    ).exclude(pk=proposal.pk)
    words = f"Another proposal for this target was adopted (no. {proposal.pk})."
    others.update(state=HealState.SUPERSEDED, decided_at=database_now(), decided_by=actor, reason=words)
    proposal.adopted_version = version
    _decide(proposal, HealState.ADOPTED, actor, reason)
    replace_fingerprint(
        automation_id=automation.pk,
        run_id=proposal.last_run,
        sighting=Sighting(
            key=_key_from_now_on(proposal), sight=proposal.seen, picture=proposal.after_picture
        ),
    )
    return proposal


@transaction.atomic
def refuse(*, proposal_id: int, actor: str, reason: str = "") -> HealProposal:
    """Never propose this selector for this target again; what was adopted for code is applied no more.

    Raises HealDecidedError for one that was refused or superseded, or that changed a document: roll that back.
    """
    proposal = _one(proposal_id)
    if proposal.state == HealState.ADOPTED and proposal.automation.kind == AutomationKind.FLOW:
        raise HealDecidedError(
            f"It was adopted into {proposal.adopted_version}. Roll that version back to undo it."
        )
    if proposal.state not in {HealState.OPEN, HealState.ADOPTED}:
        raise HealDecidedError(_said(proposal))
    _decide(proposal, HealState.REFUSED, actor, reason)
    return proposal


def proposal_for(*, key: str, new: Mapping[str, Any]) -> HealProposal | None:
    """The proposal that a step's heal became; None where none was made of it."""
    return HealProposal.objects.filter(target_key=key, digest=_digest(new)).first()


def is_moot(proposal: HealProposal) -> bool:
    """Whether the published version no longer says the old target, so that there is nothing to replace."""
    if proposal.state in {HealState.REFUSED, HealState.SUPERSEDED}:
        return False
    automation = proposal.automation
    now = automation.latest_version
    if automation.kind == AutomationKind.FLOW:
        return proposal.state == HealState.OPEN and not _says(now, proposal.old_target)
    # A target that is put together while it runs stands nowhere, so only one that stood there can have gone.
    return _says(proposal.version, proposal.old_target) and not _says(now, proposal.old_target)


def _digest(target: Mapping[str, Any]) -> str:
    said = {name: value for name, value in target.items() if name != "called"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _noted(automation: Automation, run_id: UUID, heal: SeenHeal) -> HealProposal | None:
    rows = HealProposal.objects.filter(automation=automation, target_key=heal.key)
    row = rows.filter(digest=heal.digest).first()
    others = rows.open().exclude(digest=heal.digest).exclude(last_run=run_id)
    others.update(disagreed=F("disagreed") + 1)
    if row is None:
        return _proposed(automation, run_id, heal)
    if row.last_run == run_id:
        return row
    row.agreed += 1
    row.last_run, row.last_seen_at = run_id, database_now()
    row.seen, row.after_picture = dict(heal.seen), heal.picture
    if _is_needed_again(automation, row):
        row.state, row.decided_at, row.decided_by, row.reason = HealState.OPEN, None, "", ""
        row.adopted_version = None
    row.save()
    return row


def _is_needed_again(automation: Automation, row: HealProposal) -> bool:
    """Whether what was decided helps no more: this run had to find the target another way although it was."""
    if automation.kind == AutomationKind.PYTHON:
        return row.state == HealState.SUPERSEDED  # what superseded it is applied, and did not find the target
    rolled_back = row.state in {HealState.SUPERSEDED, HealState.ADOPTED}
    return rolled_back and _says(automation.latest_version, row.old_target)


def _proposed(automation: Automation, run_id: UUID, heal: SeenHeal) -> HealProposal | None:
    version = automation.latest_version
    if version is None or HealProposal.objects.open().filter(automation=automation).count() >= MOST_OPEN:
        return None
    if automation.kind == AutomationKind.FLOW and not _says(version, heal.old):
        return None  # made from params while it ran, or changed since: there is no place to write it anew
    before = TargetFingerprint.objects.filter(key=heal.key).first()
    now = database_now()
    return HealProposal.objects.create(
        automation=automation,
        version=version,
        stage=heal.stage,
        target_key=heal.key,
        digest=heal.digest,
        description=heal.description,
        old_target=dict(heal.old),
        new_target=dict(heal.new),
        seen=dict(heal.seen),
        tier=heal.tier,
        first_run=run_id,
        last_run=run_id,
        before_picture=before.picture if before else None,
        before_box=before.sight.get("box") if before else None,
        after_picture=heal.picture,
        first_seen_at=now,
        last_seen_at=now,
    )


def _says(version: AutomationVersion | None, target: Mapping[str, Any]) -> bool:
    """Whether a version writes a target as it is, itself or in what it includes."""
    if version is None:
        return False
    if version.automation.kind != AutomationKind.FLOW:
        return bool(places_of(version, old=target, new=target))
    return any(_rewritten(text, target, target) is not None for text in _texts(version))


def _published_anew(automation: Automation, proposal: HealProposal, actor: str) -> AutomationVersion:
    """The new version of a document that says the new target, itself or in the shared document that says it."""
    version = _published(automation)
    reason = f"heal proposal no. {proposal.pk}: {proposal.description}"
    old, new = proposal.old_target, proposal.new_target
    text = _rewritten(version.source, old, new)
    for key in sorted(version.included) if text is None else ():
        shared = _rewritten(PublishedShared().find(key) or "", old, new)
        if shared is not None:
            publish_flow(text=shared, actor=actor, reason=reason)
            text = version.source
    if text is None:
        raise HealMootError(
            f"{version} no longer says this target in one place; change the document by hand."
        )
    return publish_flow(text=text, actor=actor, reason=reason)


def _texts(version: AutomationVersion) -> list[str]:
    return [version.source, *version.included.values()]


def _rewritten(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """The document with the new target; None for one that does not say the old one, or not in one place."""
    try:
        return with_target(text, old=old, new=new)
    except FlowDocumentError:
        return None  # a way of writing that only a person can change, or a document older than this release


def _published(automation: Automation) -> AutomationVersion:
    if automation.latest_version is None or automation.retired_at is not None:
        raise HealMootError(f"{automation.key} has no published version, so nothing would run differently.")
    return automation.latest_version


def _key_from_now_on(proposal: HealProposal) -> str:
    """The key under which the target's fingerprint is looked for in the next run."""
    if proposal.automation.kind != AutomationKind.FLOW:
        return proposal.target_key
    return key_of(proposal.automation.key, proposal.stage, Target(**proposal.new_target))


def _locked(automation_id: int) -> Automation:
    """Whoever proposes or decides about an automation does so one after the other."""
    locked = Automation.objects.select_for_update(of=("self",)).select_related("latest_version__automation")
    return locked.get(pk=automation_id)


def _one(proposal_id: int) -> HealProposal:
    rows = HealProposal.objects.select_related("version__automation", "adopted_version__automation")
    proposal = rows.get(pk=proposal_id)
    proposal.automation = _locked(proposal.automation_id)
    proposal.refresh_from_db(fields=["state", "reason", "decided_by"])
    return proposal


def _open_one(proposal_id: int) -> HealProposal:
    proposal = _one(proposal_id)
    if proposal.state != HealState.OPEN:
        raise HealDecidedError(_said(proposal))
    return proposal


def _said(proposal: HealProposal) -> str:
    return f"This proposal is {proposal.get_state_display().lower()} already, by {proposal.decided_by}."


def _decide(proposal: HealProposal, state: HealState, actor: str, reason: str) -> None:
    proposal.state, proposal.reason = state, reason
    proposal.decided_at, proposal.decided_by = database_now(), actor
    proposal.save()
    audit.record(
        actor=actor,
        action="heal.adopt" if state == HealState.ADOPTED else "heal.refuse",
        object_kind="automation",
        object_id=proposal.automation.key,
        reason=reason,
        details={"proposal": proposal.pk, "target": proposal.target_key, "new": proposal.new_target},
    )
