"""What a trigger would make of stored events: the part of its form that updates itself, and of an event's page."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automations.forms.params import kind_in_words, resolved
from automations.forms.schemas import params_schema_of
from infra_shared.blobs.protocol import BlobError
from infra_shared.templatetags.console import pill
from intake.errors import IntakeInvalidError, PayloadUnreadableError
from intake.matching.rules import Arrival
from intake.models import Event
from intake.services.bodies import body_of
from intake.services.triggers import try_trigger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from automations.errors import FieldProblem
    from automations.models import Automation
    from intake.services.triggers import Trial, TriggerInput

NEWEST = 12
NEWEST_OF_TYPE = 8
SECONDS = 4.0
"""How long events are tried: an expression may take long over a large body, and somebody is waiting."""
SHOWN_CHARACTERS = 6000
_FIELDS = {
    "dedupe_seconds": "same params",
    "pinned_version": "version",
    "filter": "only when",
    "mapping": "params",
}


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One event, and what the trigger would make of it."""

    event: Event
    pill: str
    words: str
    params: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One param of the automation."""

    name: str
    kind: str
    is_needed: bool
    words: str


def trial_of(wanted: TriggerInput | None, *, event: Event | None = None) -> dict[str, Any]:
    """What the trial's template shows: a row for each event, or what is wrong with the trigger."""
    if wanted is None:
        return {"hint": "Choose a source and an automation: stored events are then held against the trigger."}
    events = [event] if event is not None else _newest(wanted)
    sample = events[0] if events else None
    context = {
        "wanted_params": params_wanted(wanted.automation),
        "sample": sample,
        "sample_body": _pretty(sample) if sample is not None else "",
        "is_of_one": event is not None,
    }
    try:
        trials = try_trigger(wanted=wanted, events=_in_time(events))
    except IntakeInvalidError as error:
        return {**context, "problems": [_in_words(problem) for problem in error.problems]}
    rows = [row_of(trial) for trial in trials]
    starts = sum(trial.matched and not trial.problem for trial in trials)
    return {**context, "rows": rows, "starts": starts, "left_out": len(events) - len(rows)}


def row_of(trial: Trial) -> TrialRow:
    """A trial in words."""
    params = "" if trial.params is None else _cut(json.dumps(trial.params, indent=2, ensure_ascii=False))
    if trial.problem:
        return TrialRow(trial.event, pill("failed", "would fail"), trial.problem, params)
    if not trial.matched:
        return TrialRow(trial.event, pill("plain", "no match"), "", "")
    return TrialRow(trial.event, pill("succeeded", "would start a run"), "", params)


def params_wanted(automation: Automation) -> list[Wanted]:
    """What the automation's latest version wants to know, in the order it is written."""
    version = automation.latest_version
    if version is None:
        return []
    schema = params_schema_of(version)
    needed = set(schema.get("required", ()))
    return [
        Wanted(name, kind_in_words(spec), name in needed, spec.get("description", ""))
        for name, spec in (
            (name, resolved(spec, schema)) for name, spec in schema.get("properties", {}).items()
        )
    ]


def types_of(source_id: int | None) -> list[str]:
    """The types of the source's latest events, for the form's suggestions."""
    rows = Event.objects.filter(source=source_id).newest_first().values_list("type", flat=True)
    return sorted({found for found in rows[:200] if found}) if source_id else []


def _newest(wanted: TriggerInput) -> list[Event]:
    """The newest events of the source, and the newest of the type that is asked for, which may be rare."""
    rows = (
        Event.objects.filter(source=wanted.source).select_related("blob", "source", "customer").newest_first()
    )
    found = {event.pk: event for event in rows[:NEWEST]}
    kind = wanted.event_type.strip()
    if kind:
        begin = kind.removesuffix("*")
        of_type = rows.filter(type__startswith=begin) if kind.endswith("*") else rows.filter(type=kind)
        found |= {event.pk: event for event in of_type[:NEWEST_OF_TYPE]}
    return sorted(found.values(), key=lambda event: event.pk, reverse=True)


def _in_time(events: Iterable[Event]) -> Iterator[Event]:
    until = time.monotonic() + SECONDS
    for event in events:
        if time.monotonic() >= until:
            return
        yield event


def _in_words(problem: FieldProblem) -> str:
    name = _FIELDS.get(problem.field, problem.field.replace("_", " "))
    return f"{name[:1].upper()}{name[1:]}: {problem.message}"


def _pretty(event: Event) -> str:
    """The body as triggers see it, or why they see nothing."""
    try:
        arrival = Arrival(type=event.type, body=body_of(event), content_type=event.content_type)
        return _cut(json.dumps(arrival.payload(), indent=2, ensure_ascii=False))
    except (BlobError, PayloadUnreadableError) as error:
        return str(error)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}\n…"
