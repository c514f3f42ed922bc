"""The log lines of one attempt, rendered in parts that are stored while it works.

Every line the worker process writes while it has the attempt in hand belongs to it, since a process has one at a time.
They come scrubbed (`infra_shared.logging`), and are redacted once more when they are rendered, by what is known then.

A part is due every ten seconds, later every eighth of the time that has passed: a worker that is killed takes no more
than that with it, and an attempt of an hour has about forty parts. The attempt's first lines are kept, and of each
part the last ones; what falls between is counted.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from infra_shared import clock
from webgraph.recorder import ArtifactKind, Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra_shared.redaction import Redactor
    from webgraph.recorder import LogLine

FLUSH_SECONDS = 10.0
FLUSH_SHARE = 1 / 8
FIRST_LINES, FIRST_BYTES = 500, 256 * 1024
"""The first lines of the attempt, which are always kept."""
LAST_LINES, LAST_BYTES = 500, 128 * 1024
"""The last lines of a part, beyond those."""
LONGEST_LINE_BYTES = 8 * 1024
LEFT_OUT = "lines_left_out"
"""The event of the line that stands where others were left out, with their number in `lines`."""
_LONGEST_TEXT = 2_000
# They are said by the row that holds the file.
_NOT_IN_LINES = ("run_id", "attempt")
_LINES_OWN = frozenset(
    {
        *("event", "timestamp", "level", "logger", "run_id", "attempt", "step", "stage"),
        *("exc_info", "exception", "stack_info", "stack", "extra"),
    }
)
"""Names of fields that a line has of itself: an automation's own field of such a name gets a `_` behind it."""
_automation_log = structlog.get_logger("automation")


@dataclass(slots=True)
class _Part:
    """What was said since the part before: each line with the bytes it took as it came."""

    first: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    last: deque[tuple[dict[str, Any], int]] = field(default_factory=deque)
    last_bytes: int = 0
    left_out: int = 0

    def rendered(self) -> list[dict[str, Any]]:
        """The lines in their order, with one in the place of those that were left out."""
        gap = [{"level": "warning", "event": LEFT_OUT, "lines": self.left_out}] if self.left_out else []
        return [*(facts for facts, _ in self.first), *gap, *(facts for facts, _ in self.last)]


class AttemptLog:
    """Takes lines of any thread, and renders them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._part = _Part()
        self._parts = 0
        self._first_lines = FIRST_LINES
        self._first_bytes = FIRST_BYTES
        self._began = clock.monotonic()
        self._next_part = self._began + FLUSH_SECONDS

    def take(self, line: Mapping[str, Any]) -> None:
        """Remember a line."""
        facts = {name: value for name, value in line.items() if name not in _NOT_IN_LINES}
        size_bytes = len(_encoded(facts))
        if size_bytes > LONGEST_LINE_BYTES:
            facts = _cut(facts)
            size_bytes = len(_encoded(facts))
        with self._lock:
            self._add(facts, size_bytes)

    @property
    def is_due(self) -> bool:
        """Whether there are lines that should be stored now."""
        return bool(self._part.first or self._part.last) and clock.monotonic() >= self._next_part

    def next_part(self, redactor: Redactor) -> Evidence | None:
        """What was said since the last part, as a file to keep; None when nothing was."""
        with self._lock:
            part, self._part = self._part, _Part()
        now = clock.monotonic()
        self._next_part = now + max(FLUSH_SECONDS, (now - self._began) * FLUSH_SHARE)
        lines = part.rendered()
        if not lines:
            return None
        self._parts += 1
        return Evidence(
            kind=ArtifactKind.LOG,
            name=f"log-{self._parts:03}.jsonl",
            content_type="application/x-ndjson",
            body=b"".join(_encoded(_redacted(line, redactor)) for line in lines),
            captured_at=clock.utc_now(),
            meta={"lines": len(lines) - bool(part.left_out), "left_out": part.left_out},
        )

    def _add(self, facts: dict[str, Any], size_bytes: int) -> None:
        part = self._part
        if not part.last and self._first_lines and size_bytes <= self._first_bytes:
            self._first_lines -= 1
            self._first_bytes -= size_bytes
            part.first.append((facts, size_bytes))
            return
        self._first_lines = 0  # the first that found no room ends them: no later one goes before it
        part.last.append((facts, size_bytes))
        part.last_bytes += size_bytes
        while len(part.last) > LAST_LINES or part.last_bytes > LAST_BYTES:
            part.last_bytes -= part.last.popleft()[1]
            part.left_out += 1


def say_for_automation(line: LogLine) -> None:
    """Log what an automation said, with its own time and place."""
    fields = {f"{name}_" if name in _LINES_OWN else name: value for name, value in line.fields.items()}
    say = getattr(_automation_log, line.level.value)
    say(line.event, timestamp=line.logged_at.isoformat().replace("+00:00", "Z"), stage=line.stage, **fields)


def _redacted(line: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Without secrets; when and where it was said stays, whatever short number may be a secret."""
    clean: dict[str, Any] = redactor.json(line)
    return clean | {name: line[name] for name in ("timestamp", "level", "step") if name in line}


def _encoded(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"


def _cut(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a line that is too long: when, where and what, and the end of its traceback."""
    kept = {name: facts[name] for name in ("timestamp", "level", "logger", "step", "stage") if name in facts}
    kept |= {"event": str(facts.get("event", ""))[:_LONGEST_TEXT], "cut": True}
    if "exception" in facts:
        kept["exception"] = str(facts["exception"])[-_LONGEST_TEXT:]
    return kept
