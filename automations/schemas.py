"""What the API says of automations and files."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from automations.models import Automation, AutomationVersion, UploadedFile


class VersionOut(Schema):
    """One immutable version of an automation."""

    number: int
    digest: str = Field(description="SHA-256 of its source, schemas, stages and options.")
    created_at: datetime

    @classmethod
    def of(cls, version: AutomationVersion) -> VersionOut:
        """The item for a version."""
        return cls(number=version.number, digest=version.digest, created_at=version.created_at)


class AutomationOut(Schema):
    """One automation, in short."""

    key: str = Field(examples=["page-snapshot"])
    title: str
    description: str
    kind: str = Field(description="`python` or `flow`.")
    version: int | None = Field(description="The latest published version; null when there is none.")
    runnable: bool = Field(description="Whether a run can be requested of it now.")
    created_at: datetime

    @classmethod
    def of(cls, automation: Automation) -> AutomationOut:
        """The item for an automation, fetched with its latest version."""
        return cls(**_automation_facts(automation))


class StageOut(Schema):
    """A named part of an automation, with what it does to the outside world."""

    name: str
    title: str
    effect: str = Field(
        description="`read` changes nothing, `idempotent` may be repeated, `commit` counts once."
    )


class AutomationDetailOut(AutomationOut):
    """One automation with everything a caller needs to run it, as of its latest published version."""

    params_schema: dict[str, Any] = Field(description="JSON Schema of a run's `params`.")
    result_schema: dict[str, Any] = Field(description="JSON Schema of the result.")
    stages: list[StageOut]
    options: dict[str, Any] = Field(description="Deadline, attempts, queue and the like, as declared.")
    versions: list[VersionOut] = Field(description="Newest first.")

    @classmethod
    def of(cls, automation: Automation) -> AutomationDetailOut:
        """The item for an automation, fetched with its latest version."""
        latest = automation.latest_version
        return cls(
            **_automation_facts(automation),
            params_schema=latest.params_schema if latest else {},
            result_schema=latest.result_schema if latest else {},
            stages=[StageOut(**stage) for stage in latest.stages] if latest else [],
            options=latest.options if latest else {},
            versions=[VersionOut.of(version) for version in automation.versions.order_by("-number")],
        )


class FileOut(Schema):
    """A file that was sent for the params of runs."""

    id: UUID = Field(description="What a run's params name it by.")
    customer: str
    name: str = Field(description="Its name, made safe.")
    content_type: str = Field(description="As the sender said; nothing relies on it.")
    size_bytes: int
    sha256: str = Field(description="Of the content.")
    created_at: datetime

    @classmethod
    def of(cls, file: UploadedFile) -> FileOut:
        """The item for a file, fetched with its customer."""
        return cls(
            id=file.pk,
            customer=file.customer.key,
            name=file.name,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            sha256=file.blob_id,
            created_at=file.created_at,
        )


def _automation_facts(automation: Automation) -> dict[str, Any]:
    latest = automation.latest_version
    return {
        "key": automation.key,
        "title": automation.title,
        "description": automation.description,
        "kind": automation.kind,
        "version": latest.number if latest else None,
        "runnable": automation.is_runnable,
        "created_at": automation.created_at,
    }
