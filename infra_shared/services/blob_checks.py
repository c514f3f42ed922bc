"""Reading stored bytes again and comparing them with what was put; what is found is kept with each blob."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import F

from infra_shared.blobs.protocol import BlobDamagedError, BlobNotFoundError, BlobStorageError
from infra_shared.database import database_now
from infra_shared.models import Blob, BlobFinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra_shared.blobs.protocol import BlobStore

_PIECE_BYTES = 1024 * 1024
_PAGE = 500
_FAILURES = 3
"""So many blobs the store does not give, one after another, are an outage: the check ends, and marks nothing by it."""


@dataclass(slots=True)
class Checked:
    """What a check found: how many are as they were put, which are missing or damaged, and why it went no further."""

    ok: int = 0
    read_bytes: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def looked_at(self) -> int:
        """How many blobs were looked at."""
        return self.ok + len(self.missing) + len(self.damaged)


def check_blobs(
    *, store: BlobStore, sample: int | None = None, told: Callable[[Checked], None] = lambda _: None
) -> Checked:
    """Read stored blobs whole, all or the `sample` that were not looked at for longest, and mark what is wrong.

    A store that does not answer is a `problem`, never a finding. `told` hears how it goes on, after each blob.
    """
    checked, failures = Checked(), 0
    for blob in _longest_unchecked(sample) if sample is not None else _all():
        try:
            finding = _finding(store, blob)
        except BlobStorageError as error:
            failures, checked.problem = failures + 1, error.reason
            if failures >= _FAILURES:
                break
            continue
        failures = 0
        marked = Blob.objects.filter(pk=blob.pk).update(checked_at=database_now(), finding=finding)
        if marked:  # else it was removed meanwhile, with its bytes
            _count(checked, blob, finding)
        told(checked)
    return checked


def _finding(store: BlobStore, blob: Blob) -> str:
    """What is wrong with a blob, "" for nothing; raises BlobStorageError when the store does not give it now."""
    try:
        with store.open(blob) as reader:
            while reader.read(_PIECE_BYTES):
                pass
    except BlobNotFoundError:
        return BlobFinding.MISSING
    except BlobDamagedError:
        return BlobFinding.DAMAGED
    return ""


def _count(checked: Checked, blob: Blob, finding: str) -> None:
    if finding == BlobFinding.MISSING:
        checked.missing.append(blob.digest)
    elif finding == BlobFinding.DAMAGED:
        checked.damaged.append(blob.digest)
    else:
        checked.ok += 1
        checked.read_bytes += blob.size_bytes


def _longest_unchecked(sample: int) -> list[Blob]:
    order = (F("checked_at").asc(nulls_first=True), "digest")
    return list(Blob.objects.order_by(*order)[:sample])


def _all() -> Iterator[Blob]:
    """Every blob, a page at a time by its digest: a check may take hours, and holds no transaction."""
    after = ""
    while page := list(Blob.objects.filter(digest__gt=after).order_by("digest")[:_PAGE]):
        yield from page
        after = page[-1].digest
