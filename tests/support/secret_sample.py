"""The sample with secret params, and a look at everything that is stored."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import connection
from pydantic import BaseModel, Field, field_validator

from infra_shared.blobs.django_store import artifact_store
from infra_shared.models import Blob
from runs.services.requests import RunRequest, request_run
from tests.support import sample
from webgraph.flow import Automation, stage
from webgraph.secret_values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runs.models import Run

# In pieces, for a version keeps the source of this module.
_MARK = "canary"
PIN = f"{_MARK}-Zq7xk9"
OTHER_PIN = f"{_MARK}-Wp3mt5"
_PART_BYTES = 1024 * 1024


class SecretSample(Automation):
    """The sample of another version, which wants a PIN and may be told a second one."""

    key = "sample"
    title = "Sample"

    class Params(BaseModel):
        """What the sample wants to know by now."""

        city: str
        pin: Secret = Field(min_length=4)
        spare: Secret | None = None

        @field_validator("city")
        @classmethod
        def _no_numbers(cls, value: str) -> str:
            if any(letter.isdigit() for letter in value):
                msg = f"{value} is no city"
                raise ValueError(msg)
            return value

    @stage(effect="read")
    async def look(self, page: Any) -> None:
        """Look at the page."""

    @stage(effect="commit")
    async def order(self, page: Any) -> None:
        """Order."""


class OptionalSecretSample(SecretSample):
    """Needs no secret param, and takes one."""

    class Params(SecretSample.Params):
        """What it may be told."""

        pin: str = "none"  # type: ignore[assignment]  # another version, where it is no secret


def ask(**changes: Any) -> Run:
    """Request a run of it."""
    request = RunRequest(automation="sample", params={"city": "Riga", "pin": PIN})
    return request_run(request=replace(request, **changes), origin=sample.OPERATOR).run


def stored_bytes() -> Iterator[bytes]:
    """Every row of every table, and every blob as it reads and, of an archive, as its members read."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield b" ".join(
                    bytes(value) if isinstance(value, memoryview | bytes) else str(value).encode()
                    for value in row
                )
    for blob in Blob.objects.all():
        with artifact_store().open(blob) as reader:
            body = b"".join(iter(lambda reader=reader: reader.read(_PART_BYTES), b""))  # type: ignore[misc]  # bound at once
        yield body
        if zipfile.is_zipfile(io.BytesIO(body)):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
