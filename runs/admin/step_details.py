"""What an opened step shows beside its pictures: where it looked, and what went on meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from automations.services.healing import proposal_for
from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobError
from infra_shared.templatetags.console import words
from runs.models import Artifact
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automations.models import HealProposal
    from runs.models import Step

READ_BYTES = 512 * 1024
LINES_SHOWN = 40
AFTERWARDS = timedelta(seconds=1)
"""Requests are logged when they end, which may be a little after the step that caused them."""
_TIERS = {"dom": "the page's elements", "axtree": "the accessibility tree", "vision": "the picture"}
_REASONS = {
    "none": "nothing fits",
    "several": "several fit equally well",
    "hidden": "it is there, but hidden",
    "disabled": "it is there, but disabled",
    "mismatch": "another control than the one used before",
    "unsure": "something like it, but not surely enough",
    "budget": "not asked: what the attempt may spend on sight is spent",
    "unavailable": "sight is not available",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What one tier answered, in words, with the candidates it considered; or what was done about a surprise."""

    verdict: str
    where: str
    found: bool
    reason: str
    milliseconds: float | None
    candidates: list[dict[str, Any]]
    is_overridden: bool


@dataclass(frozen=True, slots=True)
class StepDetails:
    """The parts of an opened step that are read only then."""

    sought: list[tuple[str, str]]
    decisions: list[Decision]
    requests: list[dict[str, Any]]
    console: list[dict[str, Any]]
    heal: HealProposal | None


def read_details(step: Step) -> StepDetails:
    """The details of one step, fetched with its attempt; logs are there once the attempt has ended."""
    return StepDetails(
        sought=[(words(name), _plain(value)) for name, value in (step.target or {}).items() if value],
        decisions=[_decision(item) for item in step.decisions],
        requests=_lines(step, ArtifactKind.REQUEST_LOG),
        console=_lines(step, ArtifactKind.CONSOLE_LOG),
        heal=proposal_for(key=step.heal["key"], new=step.heal["new"]) if step.heal else None,
    )


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", then ".join(str(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _decision(item: dict[str, Any]) -> Decision:
    tier, found = str(item.get("tier", "")), bool(item.get("found"))
    reasons = [str(item[name]) for name in ("reason", "why") if item.get(name)]
    if item.get("recovery"):
        verdict, where = "Dealt with" if found else "Could not deal with", str(item["recovery"])
    elif item.get("code"):
        verdict, where = "Took a one-time code of", str(item["code"])
    else:
        verdict, where = "Found in" if found else "Not found in", _TIERS.get(tier, tier)
    return Decision(
        verdict=verdict,
        where=where,
        found=found,
        reason=": ".join(_REASONS.get(reason, reason) for reason in reasons),
        milliseconds=item.get("milliseconds"),
        candidates=list(item.get("candidates") or []),
        is_overridden="override" in item,
    )


def _lines(step: Step, kind: ArtifactKind) -> list[dict[str, Any]]:
    """The lines of the attempt's log that fall into the step, the first LINES_SHOWN of them."""
    log = Artifact.objects.filter(attempt_id=step.attempt_id, kind=kind).select_related("blob").first()
    if log is None or log.blob is None:
        return []
    end = (step.finished_at or log.captured_at) + AFTERWARDS
    try:
        with artifact_store().open(log.blob, length=READ_BYTES) as reader:
            body = b"".join(iter(lambda: reader.read(READ_BYTES), b""))
    except BlobError:
        # The log's own page says what is wrong with its bytes; a step is worth showing without it.
        return []
    found = [line for line in _entries(body) if step.started_at <= line["at"] <= end]
    return found[:LINES_SHOWN]


def _entries(body: bytes) -> Iterator[dict[str, Any]]:
    for text in body.decode("utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
            yield {**line, "at": datetime.fromisoformat(line["at"])}
        except (ValueError, KeyError, TypeError):
            continue  # the last line may be cut, and the first may only count what was dropped
