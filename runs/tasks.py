"""What django-q2 calls. Tickets and chores name these functions by their dotted path; never rename one in use."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from infra_shared.blobs.spool import SpoolError
from runs.cluster.process import current_process
from runs.cluster.spool_keeper import look_after_spool
from runs.execution import execute
from runs.services import (
    alert_rules,
    bulk_work,
    dispatchers,
    dispatching,
    nodes,
    questions,
    resuming,
    schedule_health,
    scheduling,
    spooled,
)


def execute_attempt(attempt_id: int) -> str:
    """The ticket of one attempt; harmless when it comes late or twice."""
    return execute(attempt_id, current_process())


def spare_tick() -> None:
    """Move along what is due, late, even when every dispatcher is dead."""
    scheduling.fire_due_schedules()
    dispatching.expire_waiting_runs()
    questions.give_up_unanswered()
    dispatching.reap_forgotten_attempts(silent_for=settings.LEASE)
    dispatching.reap_overdue_attempts()
    dispatching.dispatch_due_attempts()


def pause_failing_schedules() -> int:
    """Pause schedules whose runs fail again and again."""
    return schedule_health.pause_failing_schedules()


def look_after_alerts() -> dict[str, int]:
    """Open alerts about late schedules, stuck queues and missing dispatchers, and close what is over."""
    return alert_rules.look_after_alerts()


def look_after_spools() -> dict[str, int | str]:
    """Deliver what waits on this machine for the store, and record as gaps what waited on nodes that are gone."""
    try:
        problem = look_after_spool()
    except SpoolError as error:
        problem = error.reason  # of this machine's disk, which must not hide what became of the others
    return {"problem": problem, "lost": spooled.give_up_lost()}


def forget_old_nodes() -> int:
    """Remove rows of nodes and dispatchers long gone."""
    return nodes.forget_old() + dispatchers.forget_silent()


def erase_old_checkpoints() -> int:
    """Erase what nobody will go on after any more."""
    return resuming.erase_old()


def work_on_bulk_order(order_id: str) -> None:
    """The ticket of one piece of a bulk order; harmless when it comes late or twice."""
    bulk_work.work_on(order_id=UUID(order_id))


def continue_bulk_orders() -> int:
    """See to it that no bulk order stands still."""
    return bulk_work.continue_orders()
