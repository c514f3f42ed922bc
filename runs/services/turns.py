"""Whose turn it is: due attempts get their slots and a ticket, in order of priority and due time.

Any number of dispatchers may do this at once, and every end of an attempt that frees a slot does it for those who wait
for that slot; compare-and-set and unique keys decide.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django_q.tasks import async_task

from automations.models import AutomationKind
from infra_shared.database import database_now
from runs import lifecycle
from runs.limit_keys import in_words
from runs.models import Attempt, Run, Slot, WorkerProcess
from runs.services.demands import limits_in_force, limits_of
from runs.services.gates import pass_gates, read_gates
from runs.services.session_doors import pass_door
from runs.services.slots import full_keys, missing_slot, take_slots
from runs.states import AttemptState, RunState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runs.models import AttemptQuerySet, Limit

ACTOR = "dispatcher"
TASK = "runs.tasks.execute_attempt"
TICKET_LIFE = timedelta(seconds=5)
"""After this long an unclaimed ticket counts as vanished and the attempt may get another one."""
AT_ONCE = 100
NOTED_AT_ONCE = 20
PATIENCE = timedelta(seconds=10)
"""After this long, what a run that needs several slots still waits for is kept for it."""
Place = tuple[str, frozenset[str]]
"""A queue, and the digests of the versions that a node serving it can run."""
Turn = tuple[int, datetime, int]
_OWN_SLOTS = Slot.objects.filter(attempt=OuterRef("pk"))
_UNTOLD = (RunState.SCHEDULED, RunState.QUEUED, RunState.RETRY_WAIT)


def dispatch_due_attempts(*, most: int | None = None, counting: Collection[str] = ()) -> int:
    """Make a ticket for each due attempt, in order of turn, as long as a free worker process waits for it.

    Never more tickets than free processes with a fresh heartbeat, so that order and priority are decided here and
    not by the broker. `most` and `counting` narrow it to so many attempts, and to those that count against one of these
    keys. Returns how many tickets were made.
    """
    now = database_now()
    due = Attempt.objects.due(now, ticket_expired=now - TICKET_LIFE)
    if counting:
        due = due.counting(counting)
    if not due.exists():
        return 0
    hand_out = _HandOut(now, most)
    made = hand_out.give(due)
    hand_out.say_why_others_wait(due)
    return made


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one attempt's turn: a ticket, a key that keeps it waiting, or neither when it had moved on."""

    made: bool = False
    kept_by: str = ""


class _HandOut:
    """One look at everything that is due. What is found full or closed on the way is not asked for again."""

    def __init__(self, now: datetime, most: int | None) -> None:
        self._now = now
        self._most = most
        self._free = free_processes(now)
        self._gates = read_gates(now)
        self._full = full_keys()
        self._passed_by: set[str] = set()
        """Keys for which nobody behind the present turn needs to be looked at."""
        self._reserved: dict[str, Turn] = {}

    def give(self, due: AttemptQuerySet) -> int:
        """Make tickets while there are processes; what waits behind a full key hides nobody, however long its queue."""
        if self._gates.everything:
            return 0
        self._reserve(due)
        made, seen = 0, set[int]()
        while self._free and not self._is_enough(made):
            batch = list(self._next(due, seen))
            limits = limits_in_force(attempt.run for attempt in batch)
            for attempt in batch:
                seen.add(attempt.pk)
                made += self._turn_of(attempt, limits)
                if not self._free or self._is_enough(made):
                    break
            if len(batch) < AT_ONCE or len(seen) >= 10 * AT_ONCE:
                break
        return made

    def say_why_others_wait(self, due: AttemptQuerySet) -> None:
        """Note on some of the runs that wait at a full limit or a gate why they do; a pause of everything is on each page."""
        gated = {*self._gates.paused, *self._gates.broken, *self._gates.doors.closed}
        if self._gates.everything or not (gated or self._full):
            return
        probes = Q(pk__in=self._gates.probes | self._gates.doors.holders)
        rows = due.counting(gated | self._full).filter(run__state__in=_UNTOLD, slots=None).exclude(probes)
        for attempt in _with_runs(rows)[:NOTED_AT_ONCE]:
            reason = self._gates.why_closed(attempt.run) or self._why_full(attempt)
            if reason:
                lifecycle.move_run(
                    attempt.run,
                    RunState.WAITING_SLOT,
                    actor=ACTOR,
                    reason=reason,
                    now=database_now(),
                    only_from=_UNTOLD,
                )

    def _next(self, due: AttemptQuerySet, seen: Collection[int]) -> AttemptQuerySet:
        queues, digests = _served(self._free)
        fits = (
            Q(run__version__digest__in=digests)
            | Q(run__automation__kind=AutomationKind.FLOW)
            | Q(run__version__options__allow_latest=True)
        )
        rows = self._gates.open_for(due.filter(fits, queue__in=queues).exclude(pk__in=seen))
        # Who holds slots already has lost a ticket: what is full is full because of it.
        rows = rows.not_counting(self._full | self._passed_by, except_for=Q(Exists(_OWN_SLOTS)))
        return _with_runs(rows)[:AT_ONCE]

    def _turn_of(self, attempt: Attempt, said: Mapping[str, Limit]) -> int:
        """Try one attempt; 1 when it got a ticket."""
        place = self._place_for(attempt)
        if place is None:
            return 0
        limits = limits_of(attempt.run, said)
        kept = self._kept_for_others(attempt, limits)
        if kept or self._passed_by & {*limits, *_demanded(attempt)}:
            self._passed_by |= kept
            return 0
        outcome = _dispatch(attempt, limits, said)
        if outcome.kept_by:
            (self._full if outcome.kept_by in limits else self._passed_by).add(outcome.kept_by)
        if not outcome.made:
            return 0
        self._free[place] -= 1
        if not self._free[place]:
            del self._free[place]
        return 1

    def _place_for(self, attempt: Attempt) -> Place | None:
        version = attempt.run.version
        return next(
            (
                place
                for place in self._free
                if place[0] == attempt.queue and (version.digest in place[1] or version.runs_on_any_node)
            ),
            None,
        )

    def _reserve(self, due: AttemptQuerySet) -> None:
        """Keep free slots for who has long waited for several at once, else those who need one would go ahead for ever."""
        if not self._full:
            return
        waiting = due.filter(run__state=RunState.WAITING_SLOT, due_at__lt=self._now - PATIENCE)
        rows = list(_with_runs(self._gates.open_for(waiting.counting(self._full)))[:NOTED_AT_ONCE])
        said = limits_in_force(attempt.run for attempt in rows)
        for attempt in rows:
            limits = limits_of(attempt.run, said)
            if len(limits) > 1:
                for key in limits.keys() - self._full:
                    self._reserved.setdefault(key, _turn(attempt))

    def _kept_for_others(self, attempt: Attempt, limits: Mapping[str, int]) -> set[str]:
        return {key for key in limits if key in self._reserved and self._reserved[key] < _turn(attempt)}

    def _why_full(self, attempt: Attempt) -> str:
        limits = limits_of(attempt.run, limits_in_force([attempt.run]))
        key = missing_slot(limits=limits, attempt=attempt)
        return f"The limit of {in_words(key)} is full." if key else ""

    def _is_enough(self, made: int) -> bool:
        return self._most is not None and made >= self._most


def free_processes(now: datetime) -> Counter[Place]:
    """How many processes wait for work, by (queue, digests of the versions their node can run).

    Tickets under way count against the processes of their queue.
    """
    free: Counter[Place] = Counter(
        (process.queue, frozenset(process.node.versions))
        for process in WorkerProcess.objects.free(now).select_related("node")
    )
    under_way = Counter(Attempt.objects.ticketed(since=now - TICKET_LIFE).values_list("queue", flat=True))
    for place in list(free):
        taken = min(free[place], under_way[place[0]])
        under_way[place[0]] -= taken
        free[place] -= taken
        if not free[place]:
            del free[place]
    return free


def ticket_timeout(attempt: Attempt) -> int:
    """Seconds after which django-q2 itself ends the task: the deadline and half a minute, a backstop only."""
    deadline = min(attempt.run.version.option("deadline_seconds"), settings.LONGEST_ATTEMPT.total_seconds())
    return int(deadline) + 30


def _dispatch(attempt: Attempt, limits: Mapping[str, int], said: Mapping[str, Limit]) -> _Outcome:
    """Take the slots of one due attempt and make its ticket, in one transaction."""
    full = missing_slot(limits=limits, attempt=attempt)
    if full is not None:
        return _Outcome(kept_by=full)
    now = database_now()
    with transaction.atomic():
        outcome = _take_turn(attempt, limits, said, now)
        if not outcome.made:
            transaction.set_rollback(True)
    return outcome


def _take_turn(
    attempt: Attempt, limits: Mapping[str, int], said: Mapping[str, Limit], now: datetime
) -> _Outcome:
    # Never waited for: who has the row locked is at this very attempt, or ends it.
    mine = Attempt.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        pk=attempt.pk, state=AttemptState.QUEUED, ticketed_at=attempt.ticketed_at
    )
    if not mine.exists():
        return _Outcome()
    Attempt.objects.filter(pk=attempt.pk).update(ticketed_at=now)
    if not take_slots(limits=limits, attempt=attempt, now=now):
        return _Outcome()
    closed = pass_gates(run=attempt.run, attempt=attempt, said=said, now=now)
    closed = closed or pass_door(run=attempt.run, attempt=attempt, now=now)
    if closed is not None:
        return _Outcome(kept_by=closed)
    if not _queued(attempt.run, now):
        return _Outcome()
    # The broker's table is in the same database: ticket and state change are committed together.
    async_task(TASK, attempt.pk, q_options={"cluster": attempt.queue, "timeout": ticket_timeout(attempt)})
    return _Outcome(made=True)


def _queued(run: Run, now: datetime) -> bool:
    """Make sure the run is queued; False when it moved on meanwhile."""
    if run.state == RunState.QUEUED:
        return Run.objects.filter(pk=run.pk, state=RunState.QUEUED).exists()
    return lifecycle.move_run(run, RunState.QUEUED, actor=ACTOR, reason="its turn has come", now=now)


def _with_runs(rows: AttemptQuerySet) -> AttemptQuerySet:
    joined = rows.select_related("run__version__automation", "run__customer", "run__automation")
    return joined.prefetch_related("run__demands")


def _demanded(attempt: Attempt) -> set[str]:
    return {demand.key for demand in attempt.run.demands.all()}


def _served(free: Mapping[Place, int]) -> tuple[set[str], set[str]]:
    return {queue for queue, _ in free}, {digest for _, digests in free for digest in digests}


def _turn(attempt: Attempt) -> Turn:
    return -attempt.priority, attempt.due_at, attempt.pk
