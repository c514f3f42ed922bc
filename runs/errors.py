"""What can be wrong with a request about runs. The API and the screens map these to answers once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automations.errors import FieldProblem


class RunsError(Exception):
    """Base of everything `runs` raises on purpose; the message is fit for the person who asked."""


class UnknownAutomationError(RunsError):
    """No automation of that key can be run."""


class UnknownCustomerError(RunsError):
    """No customer of that key exists, or it is out of the asker's reach."""


class IdempotencyConflictError(RunsError):
    """The idempotency key was used before with another request."""


class WrongStateError(RunsError):
    """The run's state does not allow what was asked."""


class InvalidRequestError(RunsError):
    """Something beside the params does not fit; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class AnswerInvalidError(RunsError):
    """An answer does not fit its question; `problems` has one entry for each field."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{item.field or 'answer'}: {item.message}" for item in problems))


class SecretsGoneError(RunsError):
    """A run that should go on has lost its secret params; the message says what to do."""


class BackfillRefusedError(RunsError):
    """The schedule cannot be backfilled, or not over this range; the message says what to do."""


class ResultPendingError(RunsError):
    """The run has no result yet."""


class NoResultError(RunsError):
    """The run ended without a result."""


class ArtifactMissingError(RunsError):
    """The artifact has no bytes; the message says why."""


class BundleRefusedError(RunsError):
    """A file is no run that can be imported; the message says what is wrong with it."""


class LostClaimError(RunsError):
    """The attempt is no longer this worker's: its lease ended, or it was stopped. Nothing was written."""
