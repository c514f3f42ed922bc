"""Housekeeping of `runs` that goes on by itself."""

from __future__ import annotations

from infra_shared.chores import Chore

CHORES = (
    Chore(name="spare-tick", path="runs.tasks.spare_tick", every_minutes=1),
    Chore(name="pause-failing-schedules", path="runs.tasks.pause_failing_schedules", every_minutes=1),
    Chore(name="look-after-alerts", path="runs.tasks.look_after_alerts", every_minutes=1),
    Chore(name="continue-bulk-orders", path="runs.tasks.continue_bulk_orders", every_minutes=1),
    Chore(name="look-after-spools", path="runs.tasks.look_after_spools", every_minutes=1),
    Chore(name="forget-old-nodes", path="runs.tasks.forget_old_nodes", every_minutes=24 * 60),
    Chore(name="erase-old-checkpoints", path="runs.tasks.erase_old_checkpoints", every_minutes=60),
    Chore(name="forget-old-tickets", path="runs.cluster.tickets.forget_old_tickets", every_minutes=24 * 60),
)
