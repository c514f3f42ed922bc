"""Versions of the automations in code: registered at node start, and found again by digest when a run needs one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from automations.definitions import Definition, define_flow, discover
from automations.errors import DefinitionError
from automations.models import Automation, AutomationKind, AutomationVersion
from automations.services.customers import default_customer
from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.shared import SharedInMapping

if TYPE_CHECKING:
    from collections.abc import Collection

    from webgraph.flow import Automation as AutomationCode

_MOST_COMPILED = 200
_compiled: dict[str, type[AutomationCode]] = {}
"""Flows this process has run or checked params for, by digest; the oldest is forgotten first."""
_log = structlog.get_logger(__name__)


@cache
def definitions() -> dict[str, Definition]:
    """The automations of this process's code, by key; read once, because code does not change within a process."""
    return discover(settings.AUTOMATION_MODULES)


def code_for(version: AutomationVersion) -> type[AutomationCode] | None:
    """The class that is exactly this version, or None when this process has other code.

    A flow is made from the version itself, so every process has it; None only where this release refuses it.
    """
    if version.automation.kind == AutomationKind.FLOW:
        return _flow_code(version)
    mine = definitions().get(version.automation.key)
    return mine.automation if mine is not None and mine.digest == version.digest else None


def _flow_code(version: AutomationVersion) -> type[AutomationCode] | None:
    code = _compiled.get(version.digest)
    if code is None:
        try:
            definition, _ = define_flow(version.source, shared=SharedInMapping(version.included))
        except FlowDocumentError as error:
            _log.warning("flow_version_refused", version=str(version), problems=str(error))
            return None
        code = _compiled[version.digest] = definition.automation
        while len(_compiled) > _MOST_COMPILED:
            _compiled.pop(next(iter(_compiled)))
    return code


def latest_code_for(version: AutomationVersion) -> type[AutomationCode] | None:
    """The class of the same automation in whatever version this process has."""
    mine = definitions().get(version.automation.key)
    return mine.automation if mine is not None else None


def register_python_automations(*, live_digests: Collection[str] = ()) -> list[str]:
    """Write a version for each automation of this process's code and publish it; returns their digests.

    A known version is published again only when no live node (`live_digests`) can run the one that is published
    now: so a roll-back takes effect, and an old node that restarts during an upgrade does not undo the upgrade. The
    default customer, on whose behalf a run happens unless said otherwise, is there afterwards too.
    """
    default_customer()
    return [_register(definition, live_digests).digest for definition in definitions().values()]


def _register(definition: Definition, live_digests: Collection[str]) -> AutomationVersion:
    known = AutomationVersion.objects.filter(
        automation__key=definition.key, digest=definition.digest
    ).select_related("automation__latest_version")
    version = known.first()
    if version is None:
        try:
            return _publish_new(definition)
        except IntegrityError:
            version = known.get()  # another node registered the same code at the same moment
    published = version.automation.latest_version
    if published is None or (published.pk != version.pk and published.digest not in live_digests):
        _publish(version, definition)
    return version


@transaction.atomic
def _publish_new(definition: Definition) -> AutomationVersion:
    automation, _ = Automation.objects.select_for_update().get_or_create(
        key=definition.key,
        defaults={"title": definition.title, "description": definition.description},
    )
    if automation.kind != AutomationKind.PYTHON:
        raise DefinitionError(
            f"The key {definition.key!r} of {definition.module} belongs to a document; give one another key."
        )
    newest = automation.versions.aggregate(number=Max("number"))["number"] or 0
    version = AutomationVersion.objects.create(
        automation=automation,
        number=newest + 1,
        digest=definition.digest,
        module=definition.module,
        source=definition.source,
        params_schema=definition.params_schema,
        result_schema=definition.result_schema,
        stages=definition.stages,
        options=definition.options,
    )
    _publish(version, definition)
    return version


def _publish(version: AutomationVersion, definition: Definition) -> None:
    Automation.objects.filter(pk=version.automation_id).update(
        latest_version=version, title=definition.title, description=definition.description
    )
