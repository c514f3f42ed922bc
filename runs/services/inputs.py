"""The files a run was asked with: checked with its request, kept as its own artifacts, handed to its attempts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automations.errors import ParamsInvalidError
from automations.models import UploadedFile
from automations.services.files import file_problems, usable_files
from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobNotFoundError, BlobStorageError
from runs.models import Artifact
from webgraph.errors import InputUnavailableError
from webgraph.inputs import named_files
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from automations.models import AutomationVersion, Customer
    from infra_shared.models import Blob
    from runs.models import Run

PART_BYTES = 1024 * 1024
REFERENCE = "file"
"""Where an input's artifact says, in its meta, under which text the params name it."""


@dataclass(frozen=True, slots=True)
class StoredInput:
    """A file in the artifact store, as an attempt takes it (`webgraph.inputs.InputSource`)."""

    name: str
    content_type: str
    blob: Blob

    def save_to(self, path: Path) -> None:
        """Write a copy; InputUnavailableError when the store does not give the bytes."""
        try:
            with artifact_store().open(self.blob) as reader, path.open("wb") as copy:
                while part := reader.read(PART_BYTES):
                    copy.write(part)
        except BlobNotFoundError as error:
            msg = f"The bytes of the input file {self.name} are no longer in the store."
            raise InputUnavailableError(msg, permanent=True) from error
        except (BlobStorageError, OSError) as error:
            msg = f"The input file {self.name} could not be read: {error}"
            raise InputUnavailableError(msg, permanent=False) from error


def chosen_inputs(
    *, version: AutomationVersion, params: Mapping[str, Any], customer: Customer, rerun_of: Run | None
) -> dict[str, StoredInput]:
    """The files that params name, by reference; ParamsInvalidError names those the customer does not have.

    A rerun has those of the run it repeats, also when the uploads they came from are forgotten.
    """
    schema = version.params_schema
    references = {text for _, text in named_files(schema, params)}
    if not references:
        return {}
    found = inputs_of(run=rerun_of) if rerun_of is not None and rerun_of.customer_id == customer.pk else {}
    uploads = usable_files(customer=customer, references=references)
    found |= {text: StoredInput(row.name, row.content_type, row.blob) for text, row in uploads.items()}
    problems = file_problems(schema=schema, params=params, known=found)
    if problems:
        raise ParamsInvalidError(problems)
    return {text: found[text] for text in sorted(references)}


def keep_inputs(*, run: Run, inputs: Mapping[str, StoredInput], now: datetime) -> None:
    """Write the inputs as artifacts of the run, part of the caller's transaction."""
    if not inputs:
        return
    Artifact.objects.bulk_create(
        Artifact(
            run=run,
            kind=ArtifactKind.INPUT.value,
            name=file.name,
            content_type=file.content_type,
            size_bytes=file.blob.size_bytes,
            blob=file.blob,
            meta={REFERENCE: text},
            captured_at=now,
        )
        for text, file in inputs.items()
    )
    wanted = usable_files(customer=run.customer, references=inputs)
    UploadedFile.objects.filter(pk__in=[row.pk for row in wanted.values()]).update(wanted_at=now)


def inputs_of(*, run: Run) -> dict[str, StoredInput]:
    """The run's input files, by the reference its params name them by."""
    rows = Artifact.objects.stored().filter(run=run, kind=ArtifactKind.INPUT).select_related("blob")
    return {
        row.meta[REFERENCE]: StoredInput(row.name, row.content_type, row.blob)
        for row in rows
        if row.blob is not None
    }
