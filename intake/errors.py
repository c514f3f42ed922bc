"""What can be wrong in intake, in words for the person who can mend it. The API maps these to answers once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automations.errors import FieldProblem


class IntakeError(Exception):
    """Base of everything `intake` raises on purpose."""


class EdgeSignatureError(IntakeError):
    """A request that must be signed by the edge is not, or not with a key known here."""


class BatchMalformedError(IntakeError):
    """A batch of the edge cannot be read as a whole; what is wrong with one message is that message's verdict."""


class BatchTooLargeError(IntakeError):
    """A request of the edge is larger than this server reads."""


class IntakeInvalidError(IntakeError):
    """Input of a source or a trigger does not make sense; `problems` has one entry for each field."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{item.field}: {item.message}" for item in problems))


class ExpressionError(IntakeError):
    """A JMESPath expression cannot be read, or came to nothing usable over an event."""


class PayloadUnreadableError(IntakeError):
    """An event's body cannot be read as a value for triggers to look into."""


class CannotSignError(IntakeError):
    """A webhook cannot be signed as its sender would."""


class ReplayRefusedError(IntakeError):
    """An event cannot be replayed now; the message says why."""


class ReplayConflictError(IntakeError):
    """The idempotency key was used before for another replay."""


class EdgeUnreachableError(IntakeError):
    """The edge Worker did not do what it was asked; the message says why and what to look at."""
