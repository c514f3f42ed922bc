"""Stored bytes nothing refers to: rows of blobs first, then files without a row, both older than a grace.

1. Rows that nothing refers to and that nobody put within the grace are deleted. The database's own foreign keys see
   to it that nothing that refers to one loses it.
2. Files without a row that nobody put within the grace are removed. An upload under way, and one whose row is being
   written, are younger than that.

A crash between the two leaves a file without a row, which the next sweep removes; never a row without its bytes.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, ForeignObjectRel, OuterRef

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import INCOMING, stored_name
from infra_shared.models import Blob
from infra_shared.retention import EVERY_SHELF, Removed
from infra_shared.services.removal import AT_ONCE, note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.blobs.protocol import StoredFile, SweepableBlobStore
    from infra_shared.models.blob import BlobQuerySet
    from infra_shared.retention import Batch, Order

WHAT = "stored bytes"
SHELF_MINUTES = 5
"""How long the chore stays with one shelf: it is through with all 256 in 21 hours."""


def referrers() -> list[tuple[Any, str]]:
    """Every model that refers to blobs, with the name of its field: asked of the models, so that none is forgotten."""
    relations = Blob._meta.get_fields(include_hidden=True)  # noqa: SLF001 - Django documents it
    return [(item.related_model, item.field.name) for item in relations if isinstance(item, ForeignObjectRel)]


def unreferenced(*, shelf: str, before: datetime) -> BlobQuerySet:
    """The blobs of one shelf that nothing refers to and that nobody put since then."""
    rows = Blob.objects.filter(digest__gte=shelf, digest__lt=f"{shelf}g").last_put_before(before)
    for model, field in referrers():
        rows = rows.exclude(Exists(model._base_manager.filter(**{field: OuterRef("pk")})))  # noqa: SLF001 - as above
    return rows


def shelf_of(moment: datetime) -> str:
    """The shelf whose turn it is at a moment; a turn that is missed comes again the next day."""
    return EVERY_SHELF[int(moment.timestamp()) // (60 * SHELF_MINUTES) % len(EVERY_SHELF)]


def sweep_orphans(order: Order) -> Iterator[Batch]:
    """Remove what the shelves hold for nobody, and what uploads that ended in the middle left behind."""
    before = order.now - settings.ORPHAN_GRACE
    store = artifact_store()
    for shelf in order.shelves:
        gone = set()
        for digests in _rows(order, shelf, before):
            gone |= digests
            yield []
        yield from _files(order, store, shelf, before, gone)
    yield from _files(order, store, INCOMING, before, set())


def _rows(order: Order, shelf: str, before: datetime) -> Iterator[set[str]]:
    """The digests of the rows that were deleted, or that would be, batch by batch."""
    rows = unreferenced(shelf=shelf, before=before).order_by("pk")
    if order.dry_run:
        yield set(rows.values_list("pk", flat=True))
        return
    while True:
        with transaction.atomic():
            held = list(rows.select_for_update(of=("self",), skip_locked=True)[:AT_ONCE])
            # Asked for once more now that nobody can refer to them anew: somebody may have, before they were held.
            free = set(rows.filter(pk__in=[row.pk for row in held]).values_list("pk", flat=True))
            Blob.objects.filter(pk__in=free).delete()
        yield free
        if len(held) < AT_ONCE:
            return


def _files(
    order: Order, store: SweepableBlobStore, shelf: str, before: datetime, gone: set[str]
) -> Iterator[Batch]:
    """Remove the shelf's old files without a row; rows in `gone` count as none."""
    files = store.files(shelf)
    while page := list(islice(files, AT_ONCE)):
        old = [item for item in page if item.put_at < before]
        wanted = _wanted(old) if not order.dry_run else _wanted(old, apart_from=gone)
        unwanted = [item for item in old if item.name not in wanted]
        removed = [
            item for item in unwanted if order.dry_run or store.remove_unwanted(item.name, before=before)
        ]
        line = Removed(
            what=WHAT,
            rule="nothing refers to them",
            rows=len(removed),
            size_bytes=sum(item.stored_bytes for item in removed),
        )
        if not order.dry_run:
            note(order, [line])
        yield [line]


def _wanted(files: list[StoredFile], *, apart_from: set[str] | None = None) -> set[str]:
    """The names of the files that have a row."""
    digests = {item.name.rpartition("/")[2].partition(".")[0] for item in files}
    rows = Blob.objects.filter(pk__in=digests - (apart_from or set())).values_list("digest", "encoding")
    return {stored_name(digest, encoding) for digest, encoding in rows}
