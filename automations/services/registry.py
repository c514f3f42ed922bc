"""Versions of the automations in code: registered at node start, and found again by digest when a run needs one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from automations.definitions import Definition, discover
from automations.models import DEFAULT_CUSTOMER, Automation, AutomationVersion, Customer

if TYPE_CHECKING:
    from collections.abc import Collection

    from webgraph.flow import Automation as AutomationCode


@cache
def definitions() -> dict[str, Definition]:
    """The automations of this process's code, by key; read once, because code does not change within a process."""
    return discover(settings.AUTOMATION_MODULES)


def code_for(version: AutomationVersion) -> type[AutomationCode] | None:
    """The class that is exactly this version, or None when this process has other code."""
    mine = definitions().get(version.automation.key)
    return mine.automation if mine is not None and mine.digest == version.digest else None


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
    Customer.objects.get_or_create(key=DEFAULT_CUSTOMER, defaults={"name": DEFAULT_CUSTOMER.capitalize()})
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
