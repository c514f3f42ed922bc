"""What django-q2 calls on behalf of this app; each function calls one service and returns what it did."""

from __future__ import annotations

from dataclasses import asdict

from infra_shared.database import database_now
from infra_shared.models import OutboxMessage
from infra_shared.retention import Order
from infra_shared.services import alert_channels, alerts, operators, orphans, outbox, pruning, rate_limits
from infra_shared.sessions.django_cache import erase_old_states

PRUNE_SECONDS = 20.0
"""Of the thirty a chore may take: the batch that is begun last still ends in time."""


def send_outbox() -> dict[str, int]:
    """Send the mails that are due; returns the counts of one round."""
    return asdict(outbox.send_due())


def send_webhooks() -> dict[str, int]:
    """Post the webhooks that are due, apart from mails: a slow receiver keeps no mail back; returns the counts."""
    return asdict(outbox.send_due(channel=OutboxMessage.Channel.WEBHOOK))


def tell_alerts() -> int:
    """Tell of open alerts that were held back, muted until now, or open for a day; returns how many."""
    return alerts.tell_what_is_due()


def send_canaries() -> int:
    """Write the day's canary to each channel that has none yet; returns how many channels there are."""
    return alert_channels.send_canaries()


def remove_what_is_old() -> dict[str, int | bool]:
    """Remove what no rule keeps any longer, within a chore's time; returns how much, and whether that was all.

    Fails, after everything else was done, when the database refused something: doctor tells of chores that failed.
    """
    now = database_now()
    done = pruning.prune(Order(now=now, shelves=[orphans.shelf_of(now)]), seconds=PRUNE_SECONDS)
    if done.refusals:
        raise done.refusals[0]
    return {"rows": done.total_rows, "problems": len(done.problems), "is_complete": done.is_complete}


def purge_rate_windows() -> int:
    """Delete counters of windows long over; returns how many."""
    return rate_limits.purge_windows()


def purge_sign_ins() -> int:
    """Delete failed sign-ins and spent codes that count no more; returns how many."""
    return operators.purge_sign_ins()


def erase_old_sessions() -> int:
    """Erase the signed-in sessions that are too old for everybody who ever wanted them; returns how many."""
    return erase_old_states()
