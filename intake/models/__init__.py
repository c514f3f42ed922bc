"""The rows of intake: sources, events, triggers and their matches, the ledger and dead letters."""

from __future__ import annotations

from intake.models.accounts import (
    DeadLetter,
    DeadLetterQuerySet,
    IntakeLedger,
    IntakeLedgerQuerySet,
)
from intake.models.event import (
    MAX_BODY_IN_ROW_BYTES,
    MAX_KEY_LENGTH,
    Event,
    EventQuerySet,
    KeyKind,
    Replay,
)
from intake.models.source import (
    DEFAULT_TOLERANCE_SECONDS,
    DEFAULT_WINDOW_SECONDS,
    MAX_BODY_BYTES,
    Rate,
    Scheme,
    Source,
    SourceQuerySet,
    SourceSecret,
    SourceSecretQuerySet,
)
from intake.models.trigger import (
    MAX_EXPRESSION_LENGTH,
    Match,
    Trigger,
    TriggerQuerySet,
)

__all__ = [
    "DEFAULT_TOLERANCE_SECONDS",
    "DEFAULT_WINDOW_SECONDS",
    "MAX_BODY_BYTES",
    "MAX_BODY_IN_ROW_BYTES",
    "MAX_EXPRESSION_LENGTH",
    "MAX_KEY_LENGTH",
    "DeadLetter",
    "DeadLetterQuerySet",
    "Event",
    "EventQuerySet",
    "IntakeLedger",
    "IntakeLedgerQuerySet",
    "KeyKind",
    "Match",
    "Rate",
    "Replay",
    "Scheme",
    "Source",
    "SourceQuerySet",
    "SourceSecret",
    "SourceSecretQuerySet",
    "Trigger",
    "TriggerQuerySet",
]
