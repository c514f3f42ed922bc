"""Housekeeping that runs by itself: how an app declares it, and what this app needs done.

Each app lists its own in `<app>/chores.py` as `CHORES`; the node turns all of them into rows of django-q2's scheduler.
A chore must be safe to repeat and to run twice at once, and ends within 30 seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """A function and how often it runs, in whole minutes.

    `path` is the dotted path of a function without arguments; `name` is unique over all apps and never renamed.
    """

    name: str
    path: str
    every_minutes: int

    def __post_init__(self) -> None:
        if self.every_minutes < 1:
            msg = f"The chore {self.name!r} must wait at least a minute between two times."
            raise ValueError(msg)


CHORES = (
    Chore(name="send-outbox", path="infra_shared.tasks.send_outbox", every_minutes=1),
    Chore(name="send-webhooks", path="infra_shared.tasks.send_webhooks", every_minutes=1),
    Chore(name="tell-alerts", path="infra_shared.tasks.tell_alerts", every_minutes=1),
    # Each hour, so that the day's canary does not hang on one moment; each channel takes one a day.
    Chore(name="send-canaries", path="infra_shared.tasks.send_canaries", every_minutes=60),
    # Half a minute at most each time; it goes through the store of files shelf by shelf in 21 hours.
    Chore(name="remove-what-is-old", path="infra_shared.tasks.remove_what_is_old", every_minutes=5),
    Chore(name="purge-rate-windows", path="infra_shared.tasks.purge_rate_windows", every_minutes=60),
    Chore(name="erase-old-sessions", path="infra_shared.tasks.erase_old_sessions", every_minutes=15),
    Chore(name="purge-sign-ins", path="infra_shared.tasks.purge_sign_ins", every_minutes=60),
)
