"""What the console says about events and matches, in words for people who do not program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from infra_shared.templatetags.console import pill
from intake.states import EventState, MatchState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.utils.safestring import SafeString

    from intake.models import Event, Match

_EVENT_TONES = {
    EventState.PENDING: "queued",
    EventState.ROUTED: "succeeded",
    EventState.FAILED: "failed",
    EventState.IGNORED: "plain",
}
_MATCH_TONES = {
    MatchState.PENDING: "queued",
    MatchState.RAN: "succeeded",
    MatchState.DEDUPLICATED: "plain",
    MatchState.BAD_PARAMS: "failed",
    MatchState.ERROR: "failed",
}
_FAILED = {
    MatchState.BAD_PARAMS: "The params do not fit the automation",
    MatchState.ERROR: "A trigger could not be followed",
}


def event_pill(event: Event) -> SafeString:
    """The state of an event as a coloured word."""
    return pill(_EVENT_TONES[EventState(event.state)], event.get_state_display())


def match_pill(match: Match) -> SafeString:
    """What a trigger made of an event, as a coloured word."""
    return pill(_MATCH_TONES[MatchState(match.state)], match.get_state_display())


def headline(event: Event, matches: Sequence[Match]) -> str:
    """What became of an event; `matches` are those of its latest replay."""
    started = sum(match.state == MatchState.RAN for match in matches)
    if event.state == EventState.PENDING:
        return "Waiting to be routed again" if event.replay else "Waiting to be routed"
    if event.state == EventState.IGNORED:
        return "Nothing was to be done"
    if event.state == EventState.FAILED:
        failed = (_FAILED[MatchState(match.state)] for match in matches if match.state in _FAILED)
        return next(failed, "It could not be routed")
    done = "It started a run" if started == 1 else f"It started {started} runs"
    others = sum(match.state in _FAILED for match in matches)
    but = f"; {others} other trigger{'' if others == 1 else 's'} failed" if others else ""
    return (done if started else "An earlier run covers it") + but


def sentence(event: Event, matches: Sequence[Match]) -> str:
    """Why nothing was started, in the exact words; empty where something was."""
    if event.state == EventState.ROUTED:
        return ""
    reasons = (match.reason for match in matches if match.state in _FAILED and match.reason)
    return event.state_reason or next(reasons, "")


def event_url(event_id: object) -> str:
    """The address of an event's page."""
    return reverse("admin:intake_event_change", args=[event_id])


def url_of_cause(cause_ref: str) -> str:
    """The address of the event that a run names as its cause; empty for what names none."""
    kind, _, event_id = cause_ref.partition(":")
    return event_url(event_id) if kind == "event" and event_id else ""
