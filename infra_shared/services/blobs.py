"""The rows of stored blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra_shared.models import Blob

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra_shared.blobs.protocol import BlobInfo


def remember_blob(info: BlobInfo) -> Blob:
    """The row of a blob that was just put into the store, part of the caller's transaction.

    A row that is there already notes that the content was wanted again, so that no sweeper takes it in between. Put
    the bytes first: a row without bytes is damage, bytes without a row are swept.
    """
    # Never looked up first: the sweeper might remove the row between the look and the write.
    remember_blobs([info])
    return Blob.objects.get(pk=info.digest)


def remember_blobs(infos: Iterable[BlobInfo]) -> None:
    """As `remember_blob`, for any number of blobs in one statement; none for none."""
    rows = [
        Blob(
            digest=info.digest,
            size_bytes=info.size_bytes,
            stored_bytes=info.stored_bytes,
            encoding=info.encoding,
        )
        for info in sorted(infos, key=lambda info: info.digest)  # in one order: no two wait for each other
    ]
    Blob.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["last_put_at", "stored_bytes", "encoding"],
    )
