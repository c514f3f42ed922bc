"""Files for params: kept once sent, found again by customer, forgotten when nobody asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from automations.errors import FieldProblem, FileConflictError, FileRefusedError, FileTooLargeError
from automations.models import Schedule, UploadedFile
from infra_shared.blobs.django_store import artifact_store
from infra_shared.database import database_now
from infra_shared.services import audit
from infra_shared.services.blobs import remember_blob
from webgraph.files import OCTETS, safe_name
from webgraph.inputs import named_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from pathlib import Path

    from automations.models import Customer
    from infra_shared.blobs.protocol import BlobInfo
    from infra_shared.models import Caller

LONGEST_CONTENT_TYPE = 100
LONGEST_IDEMPOTENCY_KEY = 255
MOST_FORGOTTEN = 1000
"""How many files one round forgets: it ends well within the time of a chore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends a file. `actor` is for logs, `caller` the owner of an API key, whose `idempotency_key` counts once."""

    actor: str
    caller: Caller | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """The file, and whether this request made it (False: the same request had made it before)."""

    file: UploadedFile
    created: bool


def keep_file(
    *, customer: Customer, source: bytes | Path, name: str, content_type: str, sender: Sender
) -> KeptFile:
    """Store the bytes and remember them as a file of the customer.

    Raises FileTooLargeError, FileRefusedError, BlobStorageError, and FileConflictError when the caller used the
    idempotency key before for another file.
    """
    key = sender.idempotency_key
    if key is not None and not 0 < len(key) <= LONGEST_IDEMPOTENCY_KEY:
        raise FileRefusedError(f"Use an Idempotency-Key of 1 to {LONGEST_IDEMPOTENCY_KEY} characters.")
    check_size(len(source) if isinstance(source, bytes) else source.stat().st_size)
    # Not as text: it is handed on byte for byte, and ranges of it can be asked for.
    stored = artifact_store().put(source, text=False)
    facts = {"customer": customer, "name": safe_name(name), "content_type": _content_type(content_type)}
    repeated = _repeated(sender, stored, facts)
    if repeated is not None:
        return repeated
    try:
        return KeptFile(_remember(stored, facts, sender), created=True)
    except IntegrityError:
        repeated = _repeated(sender, stored, facts)  # the same key arrived twice at the same moment
        if repeated is None:
            raise
        return repeated


def check_size(size_bytes: int) -> None:
    """Raise when a file is larger than this installation takes, or empty."""
    most = settings.INPUT_FILE_MAX_BYTES
    if size_bytes > most:
        raise FileTooLargeError(f"The file is larger than {most // 1024**2} MB; see INPUT_FILE_MAX_MB.")
    if size_bytes == 0:
        raise FileRefusedError("The file is empty.")


def usable_files(*, customer: Customer, references: Iterable[str]) -> dict[str, UploadedFile]:
    """The customer's files of these ids, by the very text they were named by; what is no such id is left out."""
    ids = {text: found for text in references if (found := _as_id(text)) is not None}
    rows = UploadedFile.objects.filter(customer=customer, pk__in=ids.values()).select_related("blob")
    known = {row.pk: row for row in rows}
    return {text: known[found] for text, found in ids.items() if found in known}


def file_problems(
    *, schema: Mapping[str, Any], params: Mapping[str, Any], known: Iterable[str]
) -> list[FieldProblem]:
    """One entry for each file that params name and that is not among those known."""
    there = set(known)
    return [
        FieldProblem(path, f"This customer has no file {text!r}. Send it first; unused files are forgotten.")
        for path, text in named_files(schema, params)
        if text not in there
    ]


def missing_files(
    *, schema: Mapping[str, Any], params: Mapping[str, Any], customer: Customer, prefix: str = ""
) -> list[FieldProblem]:
    """One entry for each file that params name and the customer does not have; `prefix` goes before their fields."""
    known = usable_files(customer=customer, references={text for _, text in named_files(schema, params)})
    missing = file_problems(schema=schema, params=params, known=known)
    return [FieldProblem(f"{prefix}{item.field}", item.message) for item in missing]


def forget_unused(*, older_than: timedelta | None = None) -> int:
    """Remove files that no request named for long and no schedule names; returns how many.

    The bytes stay while a run keeps them as its own.
    """
    age = settings.INPUT_FILE_KEPT if older_than is None else older_than
    old = UploadedFile.objects.not_wanted_since(database_now() - age)
    ids = list(old.exclude(pk__in=_named_by_schedules()).values_list("pk", flat=True)[:MOST_FORGOTTEN])
    with transaction.atomic():
        # Asked for once more: a request may have named it since it was looked up.
        forgotten, _ = old.filter(pk__in=ids).delete()
    return forgotten


def _remember(stored: BlobInfo, facts: dict[str, Any], sender: Sender) -> UploadedFile:
    with transaction.atomic():
        row = UploadedFile.objects.create(
            **facts,
            size_bytes=stored.size_bytes,
            blob=remember_blob(stored),
            sent_by=sender.actor,
            caller=sender.caller,
            idempotency_key=sender.idempotency_key,
        )
        audit.record(
            actor=sender.actor,
            action="file.send",
            object_kind="file",
            object_id=row.pk,
            customer=row.customer.key,
            details={"sha256": stored.digest, "size_bytes": stored.size_bytes},
        )
    return row


def _repeated(sender: Sender, stored: BlobInfo, facts: Mapping[str, Any]) -> KeptFile | None:
    if sender.caller is None or sender.idempotency_key is None:
        return None
    rows = UploadedFile.objects.filter(caller=sender.caller, idempotency_key=sender.idempotency_key)
    earlier = rows.select_related("customer").first()
    if earlier is None:
        return None
    if earlier.blob_id != stored.digest or any(getattr(earlier, name) != facts[name] for name in facts):
        raise FileConflictError(
            f"The idempotency key {sender.idempotency_key!r} was used for another file ({earlier.pk}). Use a new key."
        )
    return KeptFile(earlier, created=False)


def _named_by_schedules() -> set[UUID]:
    rows = Schedule.objects.present().select_related("pinned_version", "automation__latest_version")
    found: set[UUID] = set()
    for schedule in rows.iterator():
        version = schedule.pinned_version or schedule.automation.latest_version
        if version is not None:
            named = named_files(version.params_schema, schedule.params)
            found.update(pk for _, text in named if (pk := _as_id(text)) is not None)
    return found


def _content_type(said: str) -> str:
    word = said.partition(";")[0].strip().lower()
    return word if word.isascii() and 0 < len(word) <= LONGEST_CONTENT_TYPE and word.isprintable() else OCTETS


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
