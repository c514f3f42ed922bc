"""The kept log lines of an attempt, read back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobError
from runs.models import Artifact
from webgraph.recorder import ArtifactKind, LogLevel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runs.models import Attempt

PART_BYTES = 1024 * 1024
"""More than a part ever has."""
SEVERITY = {"debug": 0, "info": 1, "warning": 2, "error": 3, "critical": 3}
_OWN = frozenset({"timestamp", "level", "event", "logger", "step", "stage", "exception"})


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line. `at` is None for the line that stands where others were left out."""

    at: datetime | None
    level: str
    event: str
    logger: str = ""
    step: int | None = None
    stage: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    exception: str = ""

    @property
    def severity(self) -> int:
        """How much it matters, for comparing; what names no known level counts as info."""
        return SEVERITY.get(self.level, SEVERITY["info"])

    @property
    def details(self) -> str:
        """The fields as one text."""
        return " ".join(f"{name}={_plain(value)}" for name, value in self.fields.items())


@dataclass(frozen=True, slots=True)
class KeptLog:
    """The lines of an attempt, and why some are missing, each reason in a sentence."""

    entries: list[LogEntry]
    problems: list[str]

    def of(self, *, level: LogLevel = LogLevel.DEBUG, step: int | None = None) -> list[LogEntry]:
        """The lines that matter at least as much as that, of one step where one is given."""
        least = SEVERITY[level]
        return [entry for entry in self.entries if entry.severity >= least and step in (None, entry.step)]


def log_of(*, attempt: Attempt) -> KeptLog:
    """What is kept of the attempt's log by now; the parts are stored while it works."""
    entries: list[LogEntry] = []
    problems: list[str] = []
    parts = Artifact.objects.filter(attempt=attempt, kind=ArtifactKind.LOG).select_related("blob")
    for part in parts.order_by("id"):
        if part.blob is None:
            problems.append(part.quarantine_reason or part.missing_reason)
            continue
        try:
            with artifact_store().open(part.blob, length=PART_BYTES) as reader:
                body = b"".join(iter(lambda: reader.read(PART_BYTES), b""))
        except BlobError as error:
            problems.append(f"{part.name}: {error}")
        else:
            entries += _entries(body)
    return KeptLog(entries, problems)


def _entries(body: bytes) -> Iterator[LogEntry]:
    for text in body.decode("utf-8", errors="replace").splitlines():
        line = json.loads(text)
        step = line.get("step")
        yield LogEntry(
            at=_moment(line.get("timestamp")),
            level=str(line.get("level", "info")),
            event=str(line.get("event", "")),
            logger=str(line.get("logger", "")),
            step=step if isinstance(step, int) else None,
            stage=str(line.get("stage", "")),
            fields={name: value for name, value in line.items() if name not in _OWN},
            exception=str(line.get("exception", "")),
        )


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):  # the line about those that were left out has none
        return None


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
