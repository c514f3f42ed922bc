"""Bringing a run here that happened elsewhere, with its evidence; nothing of it is ever run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import Max

from automations.models import DEFAULT_CUSTOMER, Automation, AutomationVersion, Customer
from automations.services.customers import default_customer
from infra_shared.blobs.django_store import artifact_store
from infra_shared.database import database_now
from infra_shared.ids import uuid7_at, uuid7_floor
from infra_shared.services import audit
from infra_shared.services.blobs import remember_blobs
from runs.errors import BundleRefusedError, UnknownCustomerError
from runs.models import Artifact, Run, RunImport
from runs.services.bundle_files import MOST_BYTES, open_bundle
from runs.services.history import Arrival, check_columns, insert_arrival
from runs.services.storage_use import count_up
from runs.states import TERMINAL_RUNS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from infra_shared.blobs.protocol import BlobInfo
    from runs.services.bundle_files import BundleFile
    from runs.services.bundle_format import Bundle

_ID_MARGIN = timedelta(minutes=1)
_SUFFIX = "-imported"
_LONGEST_KEY = 100
_TEXTS = ("text/", "application/json", "application/x-ndjson")
_NOT_THERE = "Its bytes were not in the file this run was imported from."


@dataclass(frozen=True, slots=True)
class Imported:
    """The run here, and whether this import made it (False: it was here already, and nothing was changed)."""

    run: Run
    created: bool
    files: int = 0


def import_run(
    *, path: Path, actor: str, customer: str = "", pin: bool = False, most_bytes: int = MOST_BYTES
) -> Imported:
    """Bring the run of an exported file here; the same file again gives the same run.

    `customer` is whose it becomes, else the customer of the same key. It ran elsewhere: it counts in no figure here, and a
    failure counts as resolved. Raises BundleRefusedError or UnknownCustomerError, each before any row is written.
    """
    with open_bundle(path, most_bytes=most_bytes) as file:
        bundle = file.document()
        _check(bundle)
        known = _known(bundle)
        if known is not None:
            return Imported(known, created=False)
        owner = _customer(customer or bundle.customer)
        blobs = _bring_bytes(file, bundle)
    try:
        run = _write(bundle, owner=owner, actor=actor, blobs=blobs, pin=pin)
    except IntegrityError as error:
        known = _known(bundle)  # somebody brought the same run at the same moment
        if known is None:
            raise BundleRefusedError(f"What it says of the run contradicts itself: {error}") from error
        return Imported(known, created=False)
    except (DataError, ValidationError) as error:
        raise BundleRefusedError(f"What it says of the run cannot be: {error}") from error
    return Imported(run, created=True, files=len(blobs))


def _check(bundle: Bundle) -> None:
    if bundle.run.facts.state not in TERMINAL_RUNS:
        raise BundleRefusedError(f"The run has not ended: it is {bundle.run.facts.state}.")
    if bundle.run.facts.created_at > database_now() + _ID_MARGIN:
        raise BundleRefusedError("The run was made in the future. Is the clock of this machine right?")
    # What has a number is found by it: of two with one number, one would be lost without a word.
    _check_once("attempts", [part.facts.number for part in bundle.attempts])
    for part in bundle.attempts:
        _check_once("steps", [step.index for step in part.steps])
    _check_once("files", [part.id for part in bundle.artifacts])


def _check_once(what: str, keys: list[Any]) -> None:
    if len(set(keys)) != len(keys):
        raise BundleRefusedError(f"Two of its {what} have the same number.")


def _known(bundle: Bundle) -> Run | None:
    """The same run, where it was imported before, or where it was exported from."""
    imported = RunImport.objects.filter(origin=bundle.run.id).select_related("run").first()
    if imported is not None:
        return imported.run
    mine = Run.objects.filter(
        pk=bundle.run.id, automation__key=bundle.automation, created_at=bundle.run.facts.created_at
    )
    return mine.first()


def _customer(key: str) -> Customer:
    if key == DEFAULT_CUSTOMER:
        return default_customer()  # no node may have been here yet, which makes it
    found = Customer.objects.filter(key=key).first()
    if found is None:
        raise UnknownCustomerError(
            f"There is no customer {key!r} here. Say whose the run becomes with --customer, or make this one: "
            f"manage.py customers create {key!r}"
        )
    return found


def _bring_bytes(file: BundleFile, bundle: Bundle) -> dict[str, BlobInfo]:
    """Put the files into the store, each content once; by digest. What is not in the bundle is not in the answer."""
    store, found = artifact_store(), {}
    for artifact in bundle.artifacts:
        name, digest = artifact.file, artifact.digest
        if name is None or digest is None or digest in found or not file.has(name):
            continue
        text = artifact.facts.content_type.startswith(_TEXTS)
        with file.body(name, size_bytes=artifact.facts.size_bytes, digest=digest) as body:
            found[digest] = store.put(body, text=text)
    return found


@transaction.atomic
def _write(bundle: Bundle, *, owner: Customer, actor: str, blobs: dict[str, BlobInfo], pin: bool) -> Run:
    now = database_now()
    remember_blobs(blobs.values())
    arrival = Arrival(
        run_id=_free_run_id(bundle),
        customer=owner,
        version=_version(bundle),
        actor=actor,
        now=now,
        pinned=pin,
        blobs=frozenset(blobs),
        artifact_ids=_artifact_ids(bundle),
        missing_reason=_NOT_THERE,
    )
    run = insert_arrival(bundle, arrival)
    RunImport.objects.create(
        run=run, origin=bundle.run.id, about=_about(bundle), imported_at=now, imported_by=actor
    )
    count_up(
        (owner.pk, artifact.facts.created_at.date(), blobs[artifact.digest].stored_bytes)
        for artifact in bundle.artifacts
        if artifact.digest in blobs
    )
    audit.record(
        actor=actor,
        action="run.import",
        object_kind="run",
        object_id=run.pk,
        customer=owner.key,
        details={"automation": bundle.automation, "origin": str(bundle.run.id)},
    )
    return run


def _free_run_id(bundle: Bundle) -> UUID:
    """The run's own id, unless another run has it or it lies about its time, by which runs are ordered."""
    made, wanted = bundle.run.facts.created_at, bundle.run.id
    taken = Run.objects.filter(pk=wanted).exists()
    return wanted if not taken and _fits(wanted, made) else uuid7_at(made)


def _artifact_ids(bundle: Bundle) -> dict[UUID, UUID]:
    wanted = [artifact.id for artifact in bundle.artifacts]
    taken = set(Artifact.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    return {
        artifact.id: artifact.id
        if artifact.id not in taken and _fits(artifact.id, artifact.facts.created_at)
        else uuid7_at(artifact.facts.created_at)
        for artifact in bundle.artifacts
    }


def _fits(wanted: UUID, moment: datetime) -> bool:
    return uuid7_floor(moment - _ID_MARGIN) <= wanted < uuid7_floor(moment + _ID_MARGIN)


def _version(bundle: Bundle) -> AutomationVersion:
    """The very version where it is here; else what the file says of it, under a key that nothing runs and nothing takes."""
    known = AutomationVersion.objects.filter(
        automation__key=bundle.automation, digest=bundle.ran.digest, automation__latest_version__isnull=False
    ).first()
    if known is not None:
        return known
    key = bundle.automation[: _LONGEST_KEY - len(_SUFFIX)] + _SUFFIX
    automation, created = Automation.objects.select_for_update().get_or_create(
        key=key, defaults={"title": f"{bundle.title} (imported)"[:200], "retired_at": database_now()}
    )
    if created:
        check_columns(automation)
    if automation.latest_version_id is not None:
        raise BundleRefusedError(f"The key {key!r} belongs to an automation; rename that one.")
    # Of what it says, not of the source: a file that lies about a version never stands for the true one.
    facts = bundle.ran.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    found = automation.versions.filter(digest=digest).first()
    if found is not None:
        return found
    number = bundle.ran.number
    if number < 1 or automation.versions.filter(number=number).exists():
        number = (automation.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
    version = AutomationVersion(automation=automation, **{**facts, "number": number, "digest": digest})
    check_columns(version)
    version.save(force_insert=True)
    return version


def _about(bundle: Bundle) -> dict[str, object]:
    run = bundle.run
    return {
        "automation": bundle.automation,
        "version": bundle.ran.number,
        "digest": bundle.ran.digest,
        "customer": bundle.customer,
        "cause": run.cause,
        "cause_ref": run.cause_ref,
        "requested_by": run.requested_by,
        "rerun_of": str(run.rerun_of) if run.rerun_of else None,
        "left_out": bundle.left_out,
    }
