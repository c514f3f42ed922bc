"""How many runs are open and how runs ended."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from django.db.models import Count, Sum

from infra_shared.figures import Family, Group, Kind, Label, register
from runs.metrics.labels import AUTOMATION
from runs.models import FailureFamily, HourFigures, Run
from runs.states import TERMINAL_RUNS, RunState
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

_OPEN_STATES = tuple(state for state in RunState if state not in TERMINAL_RUNS)
_OUTCOMES = ("succeeded", "failed", "cancelled")
_NO_KIND = "none"

OPEN = Family(
    name="automation_runs_open",
    words="Runs that have not ended, by state; `waiting_input` are those that need a person.",
    labels=(AUTOMATION, Label("state", tuple(state.value for state in _OPEN_STATES))),
)
ENDED = Family(
    name="automation_runs_ended_total",
    words=(
        "Runs that ended, by outcome: succeeded, failed (timed out and expired ones too) or cancelled. The success rate is "
        "succeeded by succeeded and failed."
    ),
    labels=(AUTOMATION, Label("outcome", _OUTCOMES)),
    kind=Kind.COUNTER,
)
SECONDS = Family(
    name="automation_runs_succeeded_seconds_total",
    words="How long the succeeded runs took in all, from the first attempt's start: by their number, the mean.",
    labels=(AUTOMATION,),
    kind=Kind.COUNTER,
)
FAILURES = Family(
    name="automation_runs_failures_total",
    words=(
        "Runs that failed, by kind of failure: `browser_crash`, `worker_lost`, `storage`, `target_not_found` and so on; "
        "`none` for those that expired before they began."
    ),
    labels=(AUTOMATION, Label("failure_kind", (*(kind.value for kind in FailureKind), _NO_KIND))),
    kind=Kind.COUNTER,
)


def read_runs(_now: datetime) -> Iterator[Figure]:
    """Open runs from their rows, of which there are few; ended ones from the figures written when they ended."""
    sums = {f"sum_{name}": Sum(name) for name in (*_OUTCOMES, "seconds_total")}
    ended = HourFigures.objects.order_by().values_list("automation__key").annotate(**sums)
    of_automation = {key: figures for key, *figures in ended}
    # Named by their states, and not as "all but ended": an index leads to the few that are open.
    rows = Run.objects.order_by().filter(state__in=_OPEN_STATES).values_list("automation__key", "state")
    counts = {(key, state): count for key, state, count in rows.annotate(count=Count("pk"))}
    known = sorted({*of_automation, *(key for key, _ in counts)})
    for key, state in product(known, _OPEN_STATES):
        yield OPEN.of(counts.get((key, state), 0), key, state.value)
    for key in known:
        *outcomes, seconds = of_automation.get(key, (0, 0, 0, 0))
        for outcome, count in zip(_OUTCOMES, outcomes, strict=True):
            yield ENDED.of(count, key, outcome)
        yield SECONDS.of(seconds, key)


def read_failures(_now: datetime) -> Iterator[Figure]:
    """From the families of failures, which are few: they keep their counts."""
    rows = FailureFamily.objects.order_by().values_list("automation__key", "failure_kind")
    for key, kind, count in rows.annotate(total=Sum("count")):
        yield FAILURES.of(count, key, kind or _NO_KIND)


register(Group(title="Runs", families=(OPEN, ENDED, SECONDS), read=read_runs))
register(Group(title="Runs that failed", families=(FAILURES,), read=read_failures))
