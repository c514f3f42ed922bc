"""What is wrong with a document, each with its place, in words for the person who can mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class FlowProblem(NamedTuple):
    """One thing wrong: `path` such as `stages[0].steps[2].click`, empty for the whole; `line` counts from 1."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: "
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class FlowDocumentError(Exception):
    """A flow document cannot be used; `problems` says all that is wrong with it, in the order of its lines."""

    def __init__(self, problems: Sequence[FlowProblem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.line, problem.path))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def written(path: Sequence[str | int]) -> str:
    """A path as people write it: `stages[0].steps[2].click`."""
    words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return words.removeprefix(".")
