"""Flow documents in the database: checked, kept as immutable numbered versions, published, compared, rolled back."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from automations.definitions import define_flow
from automations.errors import FlowKeyTakenError, FlowRefusedError, UnknownFlowError
from automations.models import Automation, AutomationKind, AutomationVersion
from infra_shared.services import audit
from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.reading import kind_of, problems_in, read_shared
from webgraph.documents.shared import SharedInMapping

if TYPE_CHECKING:
    from webgraph.documents.problems import FlowProblem

DOCUMENTS = (AutomationKind.FLOW, AutomationKind.SHARED)


class PublishedShared:
    """The latest published version of each shared document."""

    def find(self, key: str) -> str | None:
        """Its text, or None when none of this key is published."""
        rows = Automation.objects.filter(
            key=key, kind=AutomationKind.SHARED, retired_at__isnull=True, latest_version__isnull=False
        )
        return rows.values_list("latest_version__source", flat=True).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What a version is made of, whichever kind its document is."""

    kind: AutomationKind
    key: str
    title: str
    description: str
    digest: str
    source: str
    columns: dict[str, Any] = field(default_factory=dict)


def check_flow(*, text: str) -> list[FlowProblem]:
    """Everything that keeps a document from being published, with path and line; empty when it is fine.

    What it includes is looked for among the published shared documents.
    """
    return problems_in(text, shared=PublishedShared())


@transaction.atomic
def save_flow(*, text: str, actor: str, reason: str = "") -> AutomationVersion:
    """Keep a document as a new version without publishing it; the same content again is the version it was.

    Raises FlowRefusedError, or FlowKeyTakenError when its key belongs to an automation of another kind.
    """
    content = _content(text)
    automation = _automation(content)
    known = automation.versions.filter(digest=content.digest).select_related("automation").first()
    if known is not None:
        return known
    newest = automation.versions.aggregate(number=Max("number"))["number"] or 0
    version = AutomationVersion.objects.create(
        automation=automation,
        number=newest + 1,
        digest=content.digest,
        source=content.source,
        **content.columns,
    )
    _note("flow.save", version, actor=actor, reason=reason)
    return version


@transaction.atomic
def publish_flow(*, text: str, actor: str, reason: str = "") -> AutomationVersion:
    """Keep a document and make it what runs from now on; raises what `save_flow` raises."""
    version = save_flow(text=text, actor=actor, reason=reason)
    publish_version(version=version, actor=actor, reason=reason)
    return version


@transaction.atomic
def publish_version(*, version: AutomationVersion, actor: str, reason: str = "") -> bool:
    """Make a version what runs from now on; False when it was that already.

    Raises FlowRefusedError for a version this release can no longer run.
    """
    automation = Automation.objects.select_for_update().get(pk=version.automation_id)
    if automation.latest_version_id == version.pk:
        return False
    content = _content(version.source, included=version.included)
    automation.title, automation.description = content.title, content.description
    automation.latest_version = version
    automation.save(update_fields=["title", "description", "latest_version"])
    _note("flow.publish", version, actor=actor, reason=reason)
    return True


@transaction.atomic
def roll_back(*, key: str, number: int, actor: str, reason: str = "") -> AutomationVersion:
    """Make an earlier version what runs from now on, as it was, with what it included then.

    Raises UnknownFlowError or FlowRefusedError.
    """
    version = version_of(key=key, number=number)
    if publish_version(version=version, actor=actor, reason=reason):
        _note("flow.roll_back", version, actor=actor, reason=reason)
    return version


def version_of(*, key: str, number: int | None = None) -> AutomationVersion:
    """One version of a document, the published one when no number is given; UnknownFlowError when there is none."""
    versions = AutomationVersion.objects.select_related("automation").filter(
        automation__key=key, automation__kind__in=DOCUMENTS
    )
    published = Automation.objects.filter(key=key).values("latest_version")
    wanted = versions.filter(pk__in=published) if number is None else versions.filter(number=number)
    found = wanted.first()
    if found is None:
        which = "published version" if number is None else f"version {number}"
        raise UnknownFlowError(f"There is no {which} of a flow {key!r}. See: manage.py flows list")
    return found


def diff_flow(*, key: str, text: str, number: int | None = None) -> str:
    """What a text changes in a version (the published one if no number is given), as a unified diff; empty if nothing."""
    old = version_of(key=key, number=number)
    return _diff(old.source, text, old=str(old), new=f"{key} (new)")


def diff_versions(*, old: AutomationVersion, new: AutomationVersion) -> str:
    """What one version changes in another, what they include too, as unified diffs; empty when nothing."""
    parts = [_diff(old.source, new.source, old=str(old), new=str(new))]
    for key in sorted({*old.included, *new.included}):
        before, after = old.included.get(key, ""), new.included.get(key, "")
        parts.append(_diff(before, after, old=f"{key} in {old}", new=f"{key} in {new}"))
    return "".join(parts)


def _content(text: str, *, included: dict[str, str] | None = None) -> _Content:
    try:
        return _shared(text) if kind_of(text) == "shared" else _flow(text, included)
    except FlowDocumentError as error:
        raise FlowRefusedError(error.problems) from error


def _flow(text: str, included: dict[str, str] | None) -> _Content:
    shared = PublishedShared() if included is None else SharedInMapping(included)
    definition, texts = define_flow(text, shared=shared)
    return _Content(
        kind=AutomationKind.FLOW,
        key=definition.key,
        title=definition.title,
        description=definition.description,
        digest=definition.digest,
        source=text,
        columns={
            "included": dict(texts),
            "params_schema": definition.params_schema,
            "result_schema": definition.result_schema,
            "stages": definition.stages,
            "options": definition.options,
        },
    )


def _shared(text: str) -> _Content:
    document = read_shared(text)
    stages = [
        {"name": stage.name, "title": stage.title or stage.name, "effect": stage.effect.value}
        for stage in document.stages
    ]
    return _Content(
        kind=AutomationKind.SHARED,
        key=document.key,
        title=document.title or document.key,
        description=document.description,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        source=text,
        columns={"stages": stages},
    )


def _automation(content: _Content) -> Automation:
    """The locked row of a document's key, made if there is none."""
    automation, _ = Automation.objects.select_for_update().get_or_create(
        key=content.key,
        defaults={"title": content.title, "description": content.description, "kind": content.kind},
    )
    if automation.kind != content.kind:
        raise FlowKeyTakenError(
            f"The key {content.key!r} belongs to an automation of another kind "
            f"({automation.get_kind_display()}); choose another key."
        )
    return automation


def _note(action: str, version: AutomationVersion, *, actor: str, reason: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="automation",
        object_id=version.automation.key,
        reason=reason,
        details={"version": version.number, "digest": version.digest},
    )


def _diff(before: str, after: str, *, old: str, new: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), fromfile=old, tofile=new
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
