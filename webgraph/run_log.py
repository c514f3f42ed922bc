"""What an automation says while it works: `self.log.info("page_read", rows=12)`."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Protocol

from infra_shared.clock import utc_now
from webgraph.recorder import LogLevel, LogLine

if TYPE_CHECKING:
    from webgraph.evidence.scrub import Scrub
    from webgraph.journal import Journal

LONGEST_EVENT = 1_000
_log = logging.getLogger("automation")


class Place(Protocol):
    """Where in the attempt something is said."""

    stage: str
    last_index: int | None


class RunLog:
    """Takes lines of one attempt and reports them without waiting. Callable from any thread."""

    def __init__(
        self, journal: Journal | None = None, scrub: Scrub | None = None, place: Place | None = None
    ) -> None:
        """Without a journal (an automation that no attempt runs, as in a unit test) lines go to Python's logging."""
        self._journal = journal
        self._scrub = scrub
        self._place = place

    def debug(self, event: str, /, **fields: Any) -> None:
        """Say something that helps to find a fault; kept where the level of the log is `DEBUG`."""
        self._say(LogLevel.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """Say what was done: a constant text, and what differs as fields."""
        self._say(LogLevel.INFO, event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """Say what was unexpected, and did not keep the attempt from going on."""
        self._say(LogLevel.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """Say what failed. The attempt goes on: to end it, raise."""
        self._say(LogLevel.ERROR, event, fields)

    def _say(self, level: LogLevel, event: str, fields: dict[str, Any]) -> None:
        if self._journal is None or self._scrub is None or self._place is None:
            _log.log(logging.getLevelNamesMapping()[level.name], "%s %s", event, fields)
            return
        line = LogLine(
            level=level,
            event=self._scrub.text(str(event))[:LONGEST_EVENT],
            # Anything may be given: what JSON does not know is kept as its text.
            fields=self._scrub.json(json.loads(json.dumps(fields, default=str))),
            logged_at=utc_now(),
            step_index=self._place.last_index,
            stage=self._place.stage,
        )
        self._journal.logged(line)
