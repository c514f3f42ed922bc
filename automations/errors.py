"""What can be wrong with an automation, its params or a schedule, in words for the person who can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webgraph.documents.problems import FlowProblem


class AutomationsError(Exception):
    """Base of everything `automations` raises on purpose."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field; `field` is a dotted path, empty for the whole."""

    field: str
    message: str


class ParamsInvalidError(AutomationsError):
    """Params do not fit the automation's schema; `problems` has one entry for each field."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{item.field or 'params'}: {item.message}" for item in problems))


class DefinitionError(AutomationsError):
    """An automation in code cannot be used; the message names it and says what to change."""


class ScheduleInvalidError(AutomationsError):
    """A schedule's input does not make sense; `problems` has one entry for each field."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{item.field}: {item.message}" for item in problems))


class CustomerInvalidError(AutomationsError):
    """A customer cannot be made or named so; `problems` has one entry for each field."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{item.field}: {item.message}" for item in problems))


class CredentialError(AutomationsError):
    """A credential is missing, its input does not make sense, or it is not for whoever asks.

    `permanent` is False when another try, a little later, may succeed.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        self.permanent = permanent
        super().__init__(message)


class FileRefusedError(AutomationsError):
    """A file cannot be taken as it is; the message says why."""


class FileTooLargeError(FileRefusedError):
    """A file is larger than this installation takes."""


class FileConflictError(AutomationsError):
    """The idempotency key was used before with another file."""


class FlowRefusedError(AutomationsError):
    """A flow document cannot be kept; `problems` has path, line and message of each thing wrong with it."""

    def __init__(self, problems: list[FlowProblem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class UnknownFlowError(AutomationsError):
    """There is no flow of this key, or no such version of it."""


class FlowKeyTakenError(AutomationsError):
    """The key of a document belongs to an automation of another kind."""


class FlowChangedError(AutomationsError):
    """A flow was published by somebody else meanwhile; `published` is its number now, 0 when nothing is published."""

    def __init__(self, message: str, published: int) -> None:
        self.published = published
        super().__init__(message)


class HealDecidedError(AutomationsError):
    """A heal proposal cannot be adopted or refused any more; the message says what became of it."""


class HealMootError(AutomationsError):
    """A heal proposal is about a target the automation no longer has, or that only a person can rewrite."""
