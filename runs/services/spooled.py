"""Artifacts whose bytes wait in a node's spool: written as waiting, delivered later, or given up as gaps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DataError, IntegrityError, transaction

from infra_shared import clock
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.blobs.spool import SpoolDamagedError, SpoolError
from infra_shared.database import database_now
from infra_shared.models import Spool
from infra_shared.services.blobs import remember_blob
from infra_shared.services.spools import remember_spool
from runs.models import Artifact, Attempt, Run, Step
from runs.services import alerts
from runs.services.claims import Claim, locked_attempt
from runs.services.spool_keys import bring_under_newest_key, counted

if TYPE_CHECKING:
    from infra_shared.blobs.protocol import BlobInfo, BlobStore
    from infra_shared.blobs.spool import Spooled, SpoolFolder

_FAILURES = 3
"""So many bytes that the store refuses, one after another, are an outage; one alone may be about that one."""
FORGET_AFTER = timedelta(days=30)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """All that is known of an artifact whose bytes wait: what its row needs."""

    artifact_id: UUID
    spool_id: UUID
    node_name: str
    run_id: UUID
    attempt_id: int
    step_id: int | None
    stage: str
    kind: str
    name: str
    content_type: str
    size_bytes: int
    meta: dict[str, Any]
    captured_at: datetime
    quarantine_reason: str

    def as_facts(self) -> dict[str, Any]:
        """As JSON keeps it."""
        facts = asdict(self)
        for name in ("artifact_id", "spool_id", "run_id"):
            facts[name] = str(facts[name])
        return facts | {"captured_at": self.captured_at.isoformat()}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """From what `as_facts` gave, also of a later release that knows more; SpoolError when it is not enough."""
        try:
            known = {item.name: facts[item.name] for item in fields(cls)}
            for name in ("artifact_id", "spool_id", "run_id"):
                known[name] = UUID(known[name])
            return cls(**known | {"captured_at": datetime.fromisoformat(facts["captured_at"])})
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise SpoolError(
                f"A file in the spool does not say what this release needs to know of it ({error}). Deliver it with the "
                "release that kept it."
            ) from error

    @property
    def missing_reason(self) -> str:
        """Why it cannot be read now."""
        if self.quarantine_reason:
            return f"It is quarantined. {self.quarantine_reason}"[:500]
        return f"It waits for the store of files, on the node {self.node_name}."


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one delivery brought about; `problem` says why it went no further.

    `sealed_by` counts the sealed files that are left, by the fingerprint of their key.
    """

    delivered: int = 0
    lost: int = 0
    problem: str = ""
    sealed_by: dict[str, int] = field(default_factory=dict)


@transaction.atomic
def artifact_waits(*, claim: Claim, waiting: Waiting) -> Artifact:
    """Write that an artifact's bytes wait in a spool; LostClaimError when the attempt moved on."""
    locked_attempt(claim)
    return _row(waiting, spool=_spool_of(waiting))


def deliver(*, folder: SpoolFolder, store: BlobStore, seconds: float) -> Delivery | None:
    """Bring what waits into the store, the oldest first, for about so long; None while another one does.

    For each: put, then the row, then the file is dropped. A process that dies in between leaves what the next delivery
    does again: the store keeps a content once, and the row has its key already. Raises DatabaseError.
    """
    if not folder.exists:
        return Delivery()
    with folder.owned() as is_owner:
        if not is_owner:
            return None
        return _deliver(folder, store, clock.monotonic() + seconds)


def _deliver(folder: SpoolFolder, store: BlobStore, until: float) -> Delivery:
    sealed = bring_under_newest_key(folder)
    lost = _give_up_vanished(folder)
    delivered, failures, problem = 0, 0, ""
    for key in folder.waiting():
        if failures >= _FAILURES or clock.monotonic() >= until:
            break
        try:
            was_there = _deliver_one(folder, store, key)
        except SpoolDamagedError as error:
            lost += _give_up(key, error.reason)
            folder.drop(key)
        except SpoolError as error:
            problem = error.reason  # about this file alone: the others are delivered
        except BlobStorageError as error:
            failures, problem = failures + 1, error.reason
        else:
            delivered, failures = delivered + was_there, 0
    if delivered or lost:
        _log.info("spool_delivered", delivered=delivered, lost=lost, problem=problem)
    return Delivery(delivered, lost, problem, counted(sealed, folder))


def _deliver_one(folder: SpoolFolder, store: BlobStore, key: UUID) -> bool:
    """Deliver what waits under a key; False when it is gone. What it raises leaves the file where it is."""
    spooled = folder.read(key)
    if spooled is None:
        return False
    blob = store.put(spooled.body, text=spooled.text)
    try:
        artifact_delivered(spooled=spooled, blob=blob)
    except (IntegrityError, DataError) as error:
        why = str(error).partition("\n")[0]  # PostgreSQL goes on with what would be in the row
        raise SpoolError(f"The row of a file in the spool cannot be written: {why}") from error
    folder.drop(key)
    return True


@transaction.atomic
def artifact_delivered(*, spooled: Spooled, blob: BlobInfo) -> Artifact | None:
    """Write that the bytes of an artifact are in the store; None when its run is not kept any more.

    A row that was never written, as its process died first, is written now.
    """
    waiting = Waiting.of_facts(spooled.facts)
    if not Run.objects.filter(pk=waiting.run_id).exists():
        return None
    _row(waiting, spool=None)
    kept = remember_blob(blob)
    artifact = Artifact.objects.select_for_update().get(pk=waiting.artifact_id)
    artifact.spool = None
    if artifact.is_quarantined:
        artifact.sealed_blob = kept
        artifact.missing_reason = waiting.missing_reason
    else:
        artifact.blob, artifact.missing_reason = kept, ""
    artifact.save(update_fields=["spool", "blob", "sealed_blob", "missing_reason"])
    return artifact


def give_up_lost() -> int:
    """Record as gaps what waits in spools nobody looked after for ARTIFACTS_SPOOL_LOST; returns how many.

    Should such a node come back with its spool, what lies in it is delivered all the same.
    """
    before = database_now() - settings.ARTIFACTS_SPOOL_LOST
    count = 0
    for spool in Spool.objects.silent_since(before):
        reason = (
            f"It waited for the store of files on the node {spool.node_name}, "
            f"which is gone since {spool.seen_at:%Y-%m-%d %H:%M} UTC."
        )
        waiting = Artifact.objects.waiting().filter(spool=spool)
        with transaction.atomic():
            lost = waiting.update(spool=None, missing_reason=reason)
            Spool.objects.filter(pk=spool.pk).update(
                files=0, waiting_bytes=0, oldest_at=None, problem="", sealed_by={}
            )
        if lost:
            _log.error("spool_lost", node=spool.node_name, artifacts=lost)
        count += lost
    long_gone = Spool.objects.silent_since(before - FORGET_AFTER)
    long_gone.exclude(pk__in=Artifact.objects.waiting().values("spool")).delete()
    return count


def _row(waiting: Waiting, *, spool: Spool | None) -> Artifact:
    """The row of an artifact that waits, written if need be; with the alert where it is quarantined."""
    artifact, is_new = Artifact.objects.get_or_create(
        pk=waiting.artifact_id,
        defaults={
            "run_id": waiting.run_id,
            "attempt": Attempt.objects.filter(pk=waiting.attempt_id).first(),
            "step": Step.objects.filter(pk=waiting.step_id).first() if waiting.step_id is not None else None,
            "stage": waiting.stage,
            "kind": waiting.kind,
            "name": waiting.name[:255],
            "content_type": waiting.content_type,
            "size_bytes": waiting.size_bytes,
            "missing_reason": waiting.missing_reason,
            "quarantined_at": database_now() if waiting.quarantine_reason else None,
            "quarantine_reason": waiting.quarantine_reason[:500],
            "spool": spool,
            "meta": waiting.meta,
            "captured_at": waiting.captured_at,
        },
    )
    if is_new and artifact.is_quarantined:
        alerts.alert_quarantine(artifact.run, artifact)
    return artifact


def _spool_of(waiting: Waiting) -> Spool:
    return remember_spool(spool_id=waiting.spool_id, node_name=waiting.node_name, now=database_now())


def _give_up(artifact_id: UUID, reason: str) -> int:
    return Artifact.objects.waiting().filter(pk=artifact_id).update(spool=None, missing_reason=reason)


def _give_up_vanished(folder: SpoolFolder) -> int:
    """Record as gaps what is said to wait here and does not: somebody emptied the folder.

    Rows are read first: who writes them has put the file in place before, and only the owner takes files away.
    """
    rows = set(Artifact.objects.waiting().filter(spool_id=folder.id).values_list("pk", flat=True))
    gone = rows - set(folder.waiting())
    return sum(
        _give_up(key, "It waited for the store of files, and is no longer in the spool.") for key in gone
    )
