"""Taking a batch of the edge: every message is answered, every new event is stored once.

1. Read the messages; what cannot be read is rejected.
2. Put large bodies into the blob store, before the transaction: it may be slow, and bytes without a row are swept.
3. In one transaction and a fixed number of statements: insert what is new, count what came again, note which secrets
   were used and which dead letters came through, add to the ledger, make a ticket for routing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.services.blobs import remember_blobs
from intake.matching.rules import Arrival
from intake.matching.types import type_of
from intake.models import MAX_BODY_IN_ROW_BYTES, DeadLetter, Event, IntakeLedger, Source
from intake.services.insertion import add_to_ledger, insert_new
from intake.services.messages import Delivery, Unreadable, read_batch
from intake.services.secrets_in_use import note_use
from intake.services.tickets import send_for_routing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from infra_shared.blobs.protocol import BlobInfo

BLOB_RETRY_SECONDS = 30
_log = structlog.get_logger(__name__)
EventKey = tuple[int, str]


class Status(StrEnum):
    """What becomes of a message, as the edge is told."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    """It will never be stored: the edge makes it a dead letter."""
    RETRY = "retry"


@dataclass(slots=True)
class Verdict:
    """The answer for one message. `delay` in seconds goes with RETRY, `reason` with REJECTED and RETRY."""

    id: str
    status: Status
    slug: str = ""
    reason: str = ""
    delay: int | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A message that may become an event, and its place in the batch."""

    place: int
    delivery: Delivery
    source: Source

    @property
    def key(self) -> EventKey:
        return self.source.pk, self.delivery.message.key


def take_batch(*, content: bytes, now: datetime) -> list[Verdict]:
    """Store what is new in a batch and return a verdict for each message, in their order.

    BatchMalformedError when the whole is no batch; nothing is stored then.
    """
    read = read_batch(content)
    sources = _sources(read)
    verdicts = [_first_verdict(item, sources) for item in read]
    candidates = [
        _Candidate(place, item, sources[item.message.source])
        for place, item in enumerate(read)
        if isinstance(item, Delivery) and verdicts[place].status is Status.ACCEPTED
    ]
    blobs = _put_large_bodies(candidates, verdicts)
    candidates = [item for item in candidates if verdicts[item.place].status is Status.ACCEPTED]
    stored = _write(candidates, blobs, verdicts, sources, now)
    told = Counter(verdict.status.value for verdict in verdicts)
    _log.info("intake_batch", messages=len(read), event_ids=[str(pk) for pk in stored], **told)
    return verdicts


def _sources(read: Sequence[Delivery | Unreadable]) -> dict[str, Source]:
    slugs = {item.message.source if isinstance(item, Delivery) else item.source for item in read}
    rows = Source.objects.present().filter(slug__in=slugs).select_related("customer")
    return {source.slug: source for source in rows}


def _first_verdict(item: Delivery | Unreadable, sources: Mapping[str, Source]) -> Verdict:
    """What can be said without looking at what is stored.

    A source that is disabled is no reason to refuse: the edge told the sender 202 before it learned of it. The event is
    stored, starts nothing, and can be replayed.
    """
    if isinstance(item, Unreadable):
        slug = item.source if item.source in sources else ""
        return Verdict(item.id, Status.REJECTED, slug, item.reason)
    name = str(item.message.id)
    if item.message.source not in sources:
        return Verdict(name, Status.REJECTED, reason=f"There is no source {item.message.source!r}.")
    return Verdict(name, Status.ACCEPTED, item.message.source)


def _put_large_bodies(candidates: Sequence[_Candidate], verdicts: Sequence[Verdict]) -> dict[str, BlobInfo]:
    """The blobs of bodies too large for a row, by digest. Where the store does not answer, the message comes again."""
    store = artifact_store()
    blobs: dict[str, BlobInfo] = {}
    for item in candidates:
        if len(item.delivery.body) <= MAX_BODY_IN_ROW_BYTES:
            continue
        try:
            info = store.put(item.delivery.body, text=True)
        except BlobStorageError as error:
            verdict = verdicts[item.place]
            verdict.status, verdict.reason, verdict.delay = Status.RETRY, error.reason, BLOB_RETRY_SECONDS
        else:
            blobs[info.digest] = info
    return blobs


@transaction.atomic
def _write(
    candidates: Sequence[_Candidate],
    blobs: Mapping[str, BlobInfo],
    verdicts: Sequence[Verdict],
    sources: Mapping[str, Source],
    now: datetime,
) -> list[UUID]:
    """Write what is new and what is counted; the keys of the events that were stored."""
    remember_blobs(blobs.values())
    first: dict[EventKey, _Candidate] = {}
    for item in candidates:
        first.setdefault(item.key, item)
    events = {key: _event(item, blobs, now) for key, item in first.items()}
    inserted = insert_new(list(events.values()))
    again: Counter[EventKey] = Counter()
    for item in candidates:
        is_new = first[item.key] is item and events[item.key].pk in inserted
        if not is_new:
            verdicts[item.place].status = Status.DUPLICATE
            again[item.key] += 1
    _count_duplicates(again, now)
    note_use([(item.source, item.delivery.message.secret) for item in candidates], now=now)
    delivered = [item.delivery.message.id for item in candidates]
    DeadLetter.objects.open().filter(message_id__in=delivered).update(delivered_at=now)
    add_to_ledger(_ledger_lines(verdicts, sources, now))
    if inserted:
        send_for_routing()
    return [event.pk for event in events.values() if event.pk in inserted]


def _event(item: _Candidate, blobs: Mapping[str, BlobInfo], now: datetime) -> Event:
    message, body, source = item.delivery.message, item.delivery.body, item.source
    is_blob = message.sha256 in blobs
    arrival = Arrival(type="", body=body, content_type=message.content_type)
    return Event(
        source=source,
        customer=source.customer,
        message_id=message.id,
        key=message.key,
        key_kind=message.key_kind,
        type=type_of(
            scheme=source.scheme,
            type_header=source.type_header,
            type_path=source.type_path,
            headers=message.headers,
            arrival=arrival,
        ),
        scheme=message.scheme,
        content_type=message.content_type,
        headers=[list(pair) for pair in message.headers],
        query=message.query,
        body=None if is_blob else body,
        blob_id=message.sha256 if is_blob else None,
        size_bytes=message.size,
        sha256=message.sha256,
        edge_attempts=message.edge_attempts,
        received_at=message.received_at,
        stored_at=now,
    )


def _count_duplicates(again: Counter[EventKey], now: datetime) -> None:
    """Count what came again, in one statement for all of them."""
    if not again:
        return
    each = [(Q(source_id=source_id, key=key), times) for (source_id, key), times in sorted(again.items())]
    meant = Q()
    for condition, _ in each:
        meant |= condition
    times = Case(*(When(condition, then=Value(count)) for condition, count in each), default=Value(0))
    Event.objects.filter(meant).update(duplicates=F("duplicates") + times, last_duplicate_at=now)


def _ledger_lines(
    verdicts: Sequence[Verdict], sources: Mapping[str, Source], now: datetime
) -> list[IntakeLedger]:
    """One line for each source of the batch. Messages that are to come again are counted when they do."""
    lines: dict[str, IntakeLedger] = {}
    columns = {Status.ACCEPTED: "stored", Status.DUPLICATE: "duplicate", Status.REJECTED: "rejected"}
    for verdict in verdicts:
        column = columns.get(verdict.status)
        if column is None:
            continue
        line = lines.get(verdict.slug)
        if line is None:
            source = sources.get(verdict.slug)
            line = lines[verdict.slug] = IntakeLedger(day=now.date(), slug=verdict.slug, source=source)
        line.received += 1
        setattr(line, column, getattr(line, column) + 1)
    return list(lines.values())
