"""Triggers: create, change, delete, and what one would do with the events there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from automations.errors import AutomationsError, FieldProblem, ParamsInvalidError
from automations.services.params import check_params, refuse_secrets
from infra_shared.blobs.protocol import BlobError
from infra_shared.database import database_now
from infra_shared.services import audit
from intake.errors import ExpressionError, IntakeInvalidError
from intake.matching.expressions import compiled
from intake.matching.rules import Arrival, meet
from intake.models import MAX_EXPRESSION_LENGTH, Event, Trigger
from intake.services.bodies import body_of
from runs.errors import RunsError
from runs.services.demands import demands_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from automations.models import Automation, AutomationVersion
    from intake.models import Source

SAMPLE = 20
_LONGEST_DEDUPE_SECONDS = 90 * 24 * 3600
_NAME_LENGTH = _TYPE_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerInput:
    """What a person says of a trigger."""

    source: Source
    name: str
    automation: Automation
    event_type: str = ""
    filter: str = ""
    mapping: str = ""
    dedupe_seconds: int = 0
    pinned_version: AutomationVersion | None = None
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trigger would make of one stored event.

    `matched` and no `problem`: it would start a run with `params`, or be covered by an earlier one. `problem` says why not,
    in the words the match would have.
    """

    event: Event
    matched: bool
    params: dict[str, Any] | None = None
    problem: str = ""


def input_of(trigger: Trigger) -> TriggerInput:
    """What was said of a trigger, so that a caller can change a part of it."""
    return TriggerInput(**{name: getattr(trigger, name) for name in TriggerInput.__dataclass_fields__})


def check_trigger(wanted: TriggerInput) -> None:
    """Return when a trigger can be kept; IntakeInvalidError lists what does not fit."""
    problems = [*_problems_of_text(wanted), *_problems_of_work(wanted)]
    if problems:
        raise IntakeInvalidError(problems)


@transaction.atomic
def create_trigger(*, wanted: TriggerInput, actor: str) -> Trigger:
    """A new trigger, which meets the events that are routed from now on."""
    check_trigger(wanted)
    trigger = Trigger.objects.create(**_columns(wanted))
    _audit("trigger.create", trigger, actor)
    return trigger


@transaction.atomic
def change_trigger(*, trigger: Trigger, wanted: TriggerInput, actor: str) -> Trigger:
    """Change a trigger; its source stays. What it made of events before stays as it is."""
    locked = _locked(trigger)
    before = input_of(locked)
    if wanted.source != before.source:
        raise IntakeInvalidError([FieldProblem("source", "A trigger keeps its source; make another one.")])
    check_trigger(wanted)
    for name, value in _columns(wanted).items():
        setattr(locked, name, value)
    locked.save()
    names = TriggerInput.__dataclass_fields__
    changed = [name for name in names if getattr(before, name) != getattr(wanted, name)]
    _audit("trigger.change", locked, actor, changed=changed)
    return locked


@transaction.atomic
def delete_trigger(*, trigger: Trigger, actor: str, reason: str = "") -> bool:
    """End a trigger for good; False when it was deleted. Its matches and their runs stay."""
    locked = _locked(trigger)
    if locked.deleted_at is not None:
        return False
    locked.deleted_at, locked.is_enabled = database_now(), False
    locked.save()
    _audit("trigger.delete", locked, actor, reason)
    return True


def try_trigger(*, wanted: TriggerInput, events: Iterable[Event] | None = None) -> list[Trial]:
    """What a trigger would make of stored events, by default the latest of its source. Nothing is written.

    IntakeInvalidError when it could not be kept as it is.
    """
    check_trigger(wanted)
    if events is None:
        rows = Event.objects.filter(source=wanted.source).select_related("blob", "source", "customer")
        events = rows.newest_first()[:SAMPLE]
    return [_trial(wanted, event) for event in events]


def _trial(wanted: TriggerInput, event: Event) -> Trial:
    try:
        body = body_of(event)
    except BlobError as error:
        return Trial(event, matched=False, problem=str(error))
    meeting = meet(wanted, Arrival(type=event.type, body=body, content_type=event.content_type))
    if meeting.params is None:
        return Trial(event, meeting.matched, problem=meeting.problem)
    version = wanted.pinned_version or wanted.automation.latest_version
    if version is None:  # checked before; a published automation has one
        return Trial(event, meeting.matched, problem="Nothing of the automation is published.")
    try:
        refuse_secrets(version=version, params=meeting.params)
        params = check_params(version=version, params=meeting.params)
        demands_of(version=version, params=params)
    except (AutomationsError, RunsError) as error:
        return Trial(event, matched=True, params=meeting.params, problem=str(error))
    return Trial(event, matched=True, params=params)


def _problems_of_text(wanted: TriggerInput) -> Iterator[FieldProblem]:
    if not wanted.name.strip() or len(wanted.name) > _NAME_LENGTH:
        yield FieldProblem("name", f"It has 1 to {_NAME_LENGTH} characters.")
    if len(wanted.event_type) > _TYPE_LENGTH:
        yield FieldProblem("event_type", f"It has at most {_TYPE_LENGTH} characters.")
    for name in ("filter", "mapping"):
        message = _problem_of_expression(getattr(wanted, name))
        if message:
            yield FieldProblem(name, message)


def _problems_of_work(wanted: TriggerInput) -> Iterator[FieldProblem]:
    if not 0 <= wanted.dedupe_seconds <= _LONGEST_DEDUPE_SECONDS:
        yield FieldProblem("dedupe_seconds", f"It lies between 0 and {_LONGEST_DEDUPE_SECONDS}.")
    if wanted.source.deleted_at is not None:
        yield FieldProblem("source", "The source was deleted.")
    pinned = wanted.pinned_version
    if pinned is None and not wanted.automation.is_runnable:
        yield FieldProblem("automation", "It cannot be run: nothing is published, or it is retired.")
    if pinned is not None and pinned.automation_id != wanted.automation.pk:
        yield FieldProblem("pinned_version", "It is a version of another automation.")
    version = pinned or wanted.automation.latest_version
    if version is not None:
        yield from _problems_of_secrets(version)


def _problems_of_secrets(version: AutomationVersion) -> Iterator[FieldProblem]:
    try:
        refuse_secrets(version=version, params={})
    except ParamsInvalidError as error:
        yield FieldProblem("automation", str(error))


def _problem_of_expression(text: str) -> str:
    if len(text) > MAX_EXPRESSION_LENGTH:
        return f"It has at most {MAX_EXPRESSION_LENGTH} characters."
    if text:
        try:
            compiled(text)
        except ExpressionError as error:
            return str(error)
    return ""


def _locked(trigger: Trigger) -> Trigger:
    rows = Trigger.objects.select_for_update(of=("self",))
    return rows.select_related("source__customer", "automation", "pinned_version").get(pk=trigger.pk)


def _columns(wanted: TriggerInput) -> dict[str, Any]:
    said = {name: getattr(wanted, name) for name in TriggerInput.__dataclass_fields__}
    return said | {name: said[name].strip() for name in ("name", "event_type", "filter", "mapping")}


def _audit(action: str, trigger: Trigger, actor: str, reason: str = "", **details: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="trigger",
        object_id=trigger.pk,
        customer=trigger.source.customer.key,
        reason=reason,
        details=details,
    )
