"""What can become of an event and of a match. `intake.lifecycle` is the only writer."""

from __future__ import annotations

from django.db.models import TextChoices


class EventState(TextChoices):
    """Where an event is: waiting to be routed, or what its matches came to."""

    PENDING = "pending", "Pending"
    ROUTED = "routed", "Routed"
    """Every match is final, and at least one ran or was deduplicated."""
    FAILED = "failed", "Failed"
    """Every match is final, and none started a run or was covered by one."""
    IGNORED = "ignored", "Ignored"
    """No trigger matched."""


class MatchState(TextChoices):
    """What a trigger made of an event."""

    PENDING = "pending", "Pending"
    RAN = "ran", "Ran"
    DEDUPLICATED = "deduplicated", "Deduplicated"
    """The same trigger had started a run with the same params within its window; the match names that run."""
    BAD_PARAMS = "bad_params", "Params do not fit"
    ERROR = "error", "Error"


FINAL_MATCHES = frozenset(MatchState) - {MatchState.PENDING}
GOOD_MATCHES = frozenset({MatchState.RAN, MatchState.DEDUPLICATED})


def state_after(matches: list[MatchState]) -> EventState:
    """What an event is when its matches are these."""
    if not matches:
        return EventState.IGNORED
    if any(state not in FINAL_MATCHES for state in matches):
        return EventState.PENDING
    return EventState.ROUTED if GOOD_MATCHES.intersection(matches) else EventState.FAILED
