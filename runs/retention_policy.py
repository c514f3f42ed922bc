"""How long what runs leave is kept: the defaults in one table, and what rules of an operator change in them.

Age counts from the end of the run. Pins go before everything; a run that has not ended keeps everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN = "run"
"""The kind of rule that is about the run as a whole: with attempts, steps, moves and whatever files it still has."""
QUARANTINED = "quarantined"
"""The kind of rule for a file of any kind that was set aside because it holds a secret."""
LEAST_RUN_DAYS = 7
"""Idempotency keys are remembered in the rows of runs, and callers are promised a week."""


class Outcome(StrEnum):
    """How a run ended, as far as keeping is concerned."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It failed, timed out or expired, and nobody has resolved that yet."""
    RESOLVED = "resolved"
    """A failure that a rerun mended or an operator resolved."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Days:
    """How many days, by outcome."""

    succeeded: int
    resolved: int
    failed: int
    cancelled: int

    def of(self, outcome: Outcome) -> int:
        """The days of one outcome."""
        days: int = getattr(self, outcome.value)
        return days


_SEEN = Days(succeeded=14, resolved=30, failed=90, cancelled=14)
_FAILURE = Days(succeeded=30, resolved=90, failed=180, cancelled=30)
_WORK = Days(succeeded=90, resolved=90, failed=180, cancelled=90)
DEFAULTS: Mapping[str, Days] = {
    ArtifactKind.STEP_PICTURE: _SEEN,
    ArtifactKind.STEP_HTML: _SEEN,
    ArtifactKind.STEP_BEFORE: _SEEN,
    ArtifactKind.STEP_AXTREE: _SEEN,
    ArtifactKind.STAGE_STATE: _SEEN,
    ArtifactKind.REQUEST_LOG: _SEEN,
    ArtifactKind.CONSOLE_LOG: _SEEN,
    ArtifactKind.LOG: _SEEN,
    ArtifactKind.TRACE: Days(succeeded=7, resolved=30, failed=90, cancelled=7),
    ArtifactKind.FAILURE_PICTURE: _FAILURE,
    ArtifactKind.FAILURE_HTML: _FAILURE,
    ArtifactKind.FAILURE_AXTREE: _FAILURE,
    ArtifactKind.DOWNLOAD: _WORK,
    ArtifactKind.RESULT: _WORK,
    ArtifactKind.REJECTED_ROWS: _WORK,
    ArtifactKind.INPUT: _WORK,
    QUARANTINED: Days(succeeded=30, resolved=30, failed=30, cancelled=30),
    RUN: Days(succeeded=365, resolved=365, failed=365, cancelled=365),
}
KINDS = tuple(str(kind) for kind in DEFAULTS)
EVIDENCE = tuple(
    str(kind) for kind, days in DEFAULTS.items() if kind not in (QUARANTINED, RUN) and days is not _WORK
)
"""What was seen on the way: it goes first when a customer has too much."""
FILES = tuple(str(kind) for kind, days in DEFAULTS.items() if days is _WORK)
"""What the work took and gave."""

Said = tuple[str, str, int | None]
"""Kind, outcome, and the customer's key in the database; None for the customers without a rule of their own."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The defaults with the rules of the operators: `said` has the days by kind, outcome and customer."""

    said: Mapping[Said, int | None] = field(default_factory=dict)

    def days(self, kind: str, outcome: Outcome, customer: int | None = None) -> int | None:
        """How many days; None for as long as the run. A customer's own rule goes before that for all."""
        for owner in (customer, None):
            if (kind, outcome.value, owner) in self.said:
                return self.said[kind, outcome.value, owner]
        return DEFAULTS[kind].of(outcome)

    def run_days(self, outcome: Outcome, customer: int | None = None) -> int | None:
        """How many days a run stays: as its rule says, and no shorter than anything it may still keep; None for ever."""
        own = self.days(RUN, outcome, customer)
        if own is None:
            return None
        kept = [self.days(kind, outcome, customer) for kind in KINDS if kind != RUN]
        return max([own, LEAST_RUN_DAYS, *(days for days in kept if days is not None)])

    def customers(self, outcome: Outcome, *kinds: str) -> list[int]:
        """The customers with rules of their own about any of these kinds."""
        return sorted(
            {
                owner
                for kind, name, owner in self.said
                if owner is not None and kind in kinds and name == outcome.value
            }
        )
