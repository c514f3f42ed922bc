"""Telling the edge Worker of the sources: what differs, and making it the same. No secret is ever shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog
from django.db.models import Exists, F, OuterRef, Q

from infra_shared.database import database_now
from infra_shared.services import audit
from intake.errors import EdgeUnreachableError
from intake.models import Source, SourceSecret
from intake.services import edge_control
from intake.signatures.edge import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from intake.models import SourceQuerySet
    from intake.signatures.edge import EdgeKey

_AT_ONCE = 50
_MOST_SECRETS = 10
SECRETS = "secrets"
_log = structlog.get_logger(__name__)


class Change(StrEnum):
    """What happens to a source at the edge."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Difference:
    """One source that is not at the edge as it is here; `fields` names what differs, never a value of a secret."""

    slug: str
    change: Change
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a sync would do. `unchanged` counts the sources that are the same on both sides."""

    differences: tuple[Difference, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    source: Source
    config: dict[str, Any]
    secrets: tuple[str, ...]
    prints: frozenset[str]


def config_of(source: Source) -> dict[str, Any]:
    """What the edge is told of a source, without its secrets."""
    return {
        "v": 1,
        "enabled": source.is_enabled,
        "scheme": source.scheme,
        "options": source.options,
        "tolerance_seconds": source.tolerance_seconds,
        "window_seconds": source.window_seconds,
        "key_header": source.key_header or None,
        "ip_allow": source.ip_allow,
        "rate": source.rate,
        "max_bytes": source.max_bytes,
        "content_types": source.content_types,
    }


def plan_sync() -> SyncPlan:
    """What differs between here and the edge; nothing is changed. EdgeUnreachableError when the edge cannot be asked."""
    wanted = _wanted(Source.objects.present(), edge_control.control_key(), database_now())
    return _plan(wanted, _listed())


def sync(*, actor: str) -> SyncPlan:
    """Make the edge's sources those that are here, and return what was done.

    What the edge has and this server never knew is deleted there too. EdgeUnreachableError when it could not be done;
    what was done until then stays, and a repetition does the rest.
    """
    wanted = _wanted(Source.objects.present(), edge_control.control_key(), database_now())
    plan = _plan(wanted, _listed())
    gone = [item.slug for item in plan.differences if item.change is Change.DELETE]
    changed = [item.slug for item in plan.differences if item.change is not Change.DELETE]
    _put([wanted[slug] for slug in changed])
    _delete(gone)
    _note_synced([item.source for item in wanted.values()])
    _note_synced(Source.objects.filter(deleted_at__isnull=False, synced_at__isnull=True))
    if plan.differences:
        audit.record(
            actor=actor,
            action="edge.sync",
            object_kind="edge",
            object_id="sources",
            details={
                item.slug: {"change": item.change.value, "fields": item.fields} for item in plan.differences
            },
        )
    return plan


def sync_what_changed(*, actor: str = "") -> int:
    """Tell the edge of sources that were changed here, or whose old secret ended, since it was last told.

    Returns how many. Nothing else at the edge is touched, or even asked for. With an `actor`, who asked for it now is
    written down; the chore, which asks each minute, is not.
    """
    now = database_now()
    ended = SourceSecret.objects.filter(
        source=OuterRef("pk"), valid_until__gt=OuterRef("synced_at"), valid_until__lte=now
    )
    stale = list(Source.objects.filter(Q(synced_at__isnull=True) | Exists(ended)))
    if not stale:
        return 0
    present = Source.objects.filter(pk__in=[source.pk for source in stale if source.deleted_at is None])
    wanted = _wanted(present, edge_control.control_key(), now)
    _put(list(wanted.values()))
    _delete([source.slug for source in stale if source.deleted_at is not None])
    _note_synced([source for source in stale if source.deleted_at is not None])
    _note_synced([item.source for item in wanted.values()])
    _log.info("edge_told", sources=len(stale))
    if actor:
        told = {source.slug: "deleted" if source.deleted_at else "told" for source in stale}
        audit.record(actor=actor, action="edge.sync", object_kind="edge", object_id="sources", details=told)
    return len(stale)


def _wanted(rows: SourceQuerySet, key: EdgeKey, now: datetime) -> dict[str, _Wanted]:
    secrets: dict[int, list[str]] = {}
    for row in SourceSecret.objects.valid_at(now).filter(source__in=rows):
        secrets.setdefault(row.source_id, []).append(row.secret.reveal())
    found = {}
    for source in rows:
        own = tuple(secrets.get(source.pk, ())[:_MOST_SECRETS])
        prints = frozenset(fingerprint(key=key, secret=secret) for secret in own)
        found[source.slug] = _Wanted(source, config_of(source), own, prints)
    return found


def _listed() -> dict[str, tuple[dict[str, Any], frozenset[str]]]:
    """What the edge has, by slug: the configuration and the fingerprints of the secrets."""
    told = edge_control.order("sources/list", {})
    try:
        return {
            item["source"]: (dict(item["config"]), frozenset(item["secret_fingerprints"]))
            for item in told["sources"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise EdgeUnreachableError(f"The Worker's list of sources cannot be read: {error!r}.") from error


def _plan(wanted: dict[str, _Wanted], listed: dict[str, tuple[dict[str, Any], frozenset[str]]]) -> SyncPlan:
    differences = []
    for slug, item in sorted(wanted.items()):
        if slug not in listed:
            differences.append(Difference(slug, Change.CREATE))
        elif fields := _differing(item, *listed[slug]):
            differences.append(Difference(slug, Change.CHANGE, fields))
    unchanged = len(wanted) - len(differences)
    differences += [Difference(slug, Change.DELETE) for slug in sorted(set(listed) - set(wanted))]
    return SyncPlan(tuple(differences), unchanged)


def _differing(item: _Wanted, config: dict[str, Any], prints: frozenset[str]) -> tuple[str, ...]:
    names = sorted(
        name for name in item.config.keys() | config.keys() if item.config.get(name) != config.get(name)
    )
    return (*names, SECRETS) if item.prints != prints else tuple(names)


def _put(items: Sequence[_Wanted]) -> None:
    for first in range(0, len(items), _AT_ONCE):
        portion = items[first : first + _AT_ONCE]
        told = [
            {"source": item.source.slug, "config": item.config, "secrets": list(item.secrets)}
            for item in portion
        ]
        edge_control.order("sources/put", {"sources": told})


def _delete(slugs: Sequence[str]) -> None:
    if slugs:
        edge_control.order("sources/delete", {"sources": list(slugs)})


def _note_synced(sources: Iterable[Source]) -> None:
    """Note that the edge has these as they were read; one that was changed meanwhile stays to be told."""
    now = database_now()
    for source in sources:
        unchanged = Source.objects.filter(pk=source.pk, updated_at=source.updated_at)
        unchanged.update(synced_at=now, updated_at=F("updated_at"))
