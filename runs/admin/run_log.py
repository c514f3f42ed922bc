"""The kept log lines of one attempt, as the run page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from runs.services.attempt_logs import log_of
from webgraph.recorder import LogLevel

if TYPE_CHECKING:
    from django.http import QueryDict

    from runs.models import Attempt, Run
    from runs.services.attempt_logs import LogEntry

LINES_SHOWN = 500
_LEVELS = (("All", LogLevel.DEBUG), ("Warnings", LogLevel.WARNING), ("Errors", LogLevel.ERROR))


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that shows other lines."""

    words: str
    query: str
    count: int
    is_on: bool


@dataclass(frozen=True, slots=True)
class LogPage:
    """What the templates read. Of many lines the last are shown: they say how it ended."""

    attempt: Attempt
    entries: list[LogEntry]
    earlier: int
    levels: list[Choice]
    steps: list[Choice]
    problems: list[str]


def read_log_page(run: Run, query: QueryDict) -> LogPage | None:
    """The lines that the address asks for (`attempt`, `level`, `step`); None while no attempt has begun."""
    begun = run.attempts.filter(started_at__isnull=False).order_by("-number")
    number = _number(query.get("attempt", ""))
    attempt = (begun.filter(number=number) if number is not None else begun).first()
    if attempt is None:
        return None
    log = log_of(attempt=attempt)
    asked = query.get("level", "")
    level = LogLevel(asked) if asked in list(LogLevel) else LogLevel.DEBUG
    step = _number(query.get("step", ""))
    found = log.of(level=level, step=step)

    def choice(words: str, at: LogLevel, of: int | None) -> Choice:
        told = {"attempt": attempt.number, "level": at.value, "step": "" if of is None else of}
        return Choice(words, urlencode(told), len(log.of(level=at, step=of)), (at, of) == (level, step))

    known = sorted({entry.step for entry in log.entries if entry.step is not None})
    return LogPage(
        attempt=attempt,
        entries=found[-LINES_SHOWN:],
        earlier=max(len(found) - LINES_SHOWN, 0),
        levels=[choice(words, at, step) for words, at in _LEVELS],
        steps=[choice("All steps", level, None), *(choice(f"Step {of}", level, of) for of in known)],
        problems=log.problems,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
