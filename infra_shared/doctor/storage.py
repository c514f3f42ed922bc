"""Whether the store of files takes bytes, gives a part of them back, and removes them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages

from infra_shared import clock
from infra_shared.blobs.django_store import STORAGE_ALIAS, artifact_store
from infra_shared.blobs.protocol import BlobError
from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.doctor.disk import standing
from infra_shared.services.spools import spool_folder
from infra_shared.sizes import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.blobs.protocol import BlobStore
    from infra_shared.checkup import Finding

_FIRST, _LENGTH = 100_000, 1_000
_REFUSALS = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "401", "Forbidden")
_NO_BUCKET = ("NoSuchBucket", "404")


def look() -> Iterator[Finding]:
    """Try the store out, and see what waits for it on this machine."""
    if os.geteuid() == 0 and _owner() != 0:
        yield odd(
            f"{_place()} was not tried out: what root makes there, the server could not change.",
            "Run doctor as the user the server runs as.",
        )
    else:
        yield _tried()
    yield from _what_waits()


def _tried() -> Finding:
    """Put a blob of random bytes, read a range of it, and delete it."""
    began = clock.monotonic()
    try:
        _go_round(artifact_store())
    except BlobError as error:
        return bad(str(error), _advice(str(error)))
    seconds = clock.monotonic() - began
    return good(f"{_place()} took a blob, gave a part of it back and deleted it within {seconds:.1f} s.")


def _go_round(store: BlobStore) -> None:
    canary = secrets.token_bytes(2 * _FIRST)
    info = store.put(canary, text=False)
    try:
        with store.open(info, start=_FIRST, length=_LENGTH) as reader:
            piece = b""
            while more := reader.read(_LENGTH):
                piece += more
        if piece != canary[_FIRST : _FIRST + _LENGTH]:
            raise BlobError("What was read back is not what was stored.")
    finally:
        store.delete(info)
    if store.exists(info):
        raise BlobError("What was deleted is still there.")


def _what_waits() -> Iterator[Finding]:
    """What this machine could not deliver while the store was away."""
    spool = spool_folder()
    if not spool.exists:
        return
    state = spool.state()
    if state.oldest_at is not None:
        yield odd(
            f"{state.files} files ({in_words(state.waiting_bytes)}) wait on this machine for the store, the oldest since "
            f"{state.oldest_at:%Y-%m-%d %H:%M} UTC.",
            "They are delivered by a node that runs here: start it, and look at its log if they stay.",
        )


def _owner() -> int:
    """The user whose folder it is; root for a bucket, in which everybody is the same."""
    store = storages[STORAGE_ALIAS]
    return standing(Path(store.location)).stat().st_uid if isinstance(store, FileSystemStorage) else 0


def _place() -> str:
    options = settings.STORAGES["artifacts"]["OPTIONS"]
    bucket = options.get("bucket_name")
    return f"The bucket {bucket}" if bucket else f"The folder {options.get('location')}"


def _advice(why: str) -> str:
    if not settings.STORAGES["artifacts"]["OPTIONS"].get("bucket_name"):
        return "See that DATA_DIR is writable for this user, and that its disk has room."
    if any(word in why for word in _REFUSALS):
        return (
            "Compare ARTIFACTS_S3_ACCESS_KEY and ARTIFACTS_S3_SECRET_KEY (or the instance's role) with the bucket's "
            "policy in docs/deploy.md."
        )
    if any(word in why for word in _NO_BUCKET):
        return "Create the bucket, or mend ARTIFACTS_S3_BUCKET and ARTIFACTS_S3_REGION."
    return "See that ARTIFACTS_S3_ENDPOINT_URL is right and reachable from this machine."


ADVICE = "See that the store of files answers: docs/deploy.md."
register(Check(name="storage", look=look, advice=ADVICE, order=50, seconds=45))
