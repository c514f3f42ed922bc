"""Whether an event meets a trigger, and with which params."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra_shared.api.input import storable_json
from intake.errors import ExpressionError, PayloadUnreadableError
from intake.matching.expressions import evaluate, is_true
from intake.matching.payloads import read_payload

_ANY_REST = "*"


class Rule(Protocol):
    """What decides, of a trigger: its row, or what somebody is about to save."""

    @property
    def event_type(self) -> str:
        """A type, the beginning of one and a star, or nothing for any."""

    @property
    def filter(self) -> str:
        """A JMESPath expression, or nothing."""

    @property
    def mapping(self) -> str:
        """A JMESPath expression that returns an object, or nothing."""


@dataclass(slots=True)
class Arrival:
    """What a rule looks at, of an event. The body is read when the first rule asks for it, and once."""

    type: str
    body: bytes
    content_type: str
    _read: list[Any] = field(default_factory=list, repr=False)

    def payload(self) -> Any:
        """The body as a JSON value; PayloadUnreadableError when it is none."""
        if not self._read:
            try:
                self._read.append(read_payload(self.body, self.content_type))
            except PayloadUnreadableError as error:
                self._read.append(error)
        if isinstance(self._read[0], PayloadUnreadableError):
            raise self._read[0]
        return self._read[0]


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a rule says of an event.

    Not `matched`: nothing follows. With `problem`, it cannot be decided, or there are no params; else `params` are there.
    """

    matched: bool
    params: dict[str, Any] | None = None
    problem: str = ""


NO_MEETING = Meeting(matched=False)


def meet(rule: Rule, arrival: Arrival) -> Meeting:
    """Hold an event against a rule. A filter that fails counts as a match with a problem, so that it is seen."""
    if not type_fits(rule.event_type, arrival.type):
        return NO_MEETING
    try:
        if rule.filter and not is_true(evaluate(rule.filter, arrival.payload())):
            return NO_MEETING
    except (ExpressionError, PayloadUnreadableError) as error:
        return Meeting(matched=True, problem=f"The filter cannot be decided. {error}")
    try:
        return Meeting(matched=True, params=_mapped(rule, arrival))
    except (ExpressionError, PayloadUnreadableError) as error:
        return Meeting(matched=True, problem=f"The mapping gives no params. {error}")


def type_fits(wanted: str, found: str) -> bool:
    """Whether an event's type is what a rule names: nothing for any, and a star at the end for any rest."""
    if wanted.endswith(_ANY_REST):
        return found.startswith(wanted.removesuffix(_ANY_REST))
    return wanted in ("", found)


def digest_of(params: dict[str, Any]) -> str:
    """SHA-256 that two sets of params share exactly when they are the same JSON."""
    text = json.dumps(params, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _mapped(rule: Rule, arrival: Arrival) -> dict[str, Any]:
    if not rule.mapping:
        return {}
    params = evaluate(rule.mapping, arrival.payload())
    if not isinstance(params, dict):
        words = {list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
        found = words.get(type(params), "a number")
        raise ExpressionError(f"It returns {found}; write an object, such as {{url: page.address}}.")
    try:
        return dict(storable_json(params))
    except ValueError as error:
        raise ExpressionError(str(error)) from error
