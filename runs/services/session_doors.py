"""Who may start while somebody signs in: the first attempt that needs a session signs in, all others wait for it.

Decided where slots are, so that who waits holds neither slot nor browser. That an attempt signs in is said by the
session's row alone: by its holder and a lease, which the attempt's beats extend.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings

from infra_shared.models import SignedInSession
from infra_shared.services.alerts import Severity, alert, close_alert
from infra_shared.sessions.django_cache import DjangoSessionCache, key_of
from infra_shared.sessions.rules import Busy, Guard, SessionKey, Wish
from runs.limit_keys import Kind, names_of
from runs.models import Demand
from runs.services.alerts import SESSION, console_link
from runs.states import AttemptState
from webgraph.session_desk import FAILED_LOGINS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from runs.models import Attempt, Run

CACHE = DjangoSessionCache()
TICKET_SPARE = timedelta(seconds=10)
"""So much longer than a lease an attempt holds the login that has yet to be claimed."""
_HOLDER = "attempt:"


@dataclass(frozen=True, slots=True)
class Doors:
    """The sessions somebody signs in to: why their key is closed, and the attempts that do it."""

    closed: Mapping[str, str]
    holders: frozenset[int]


def read_doors(now: datetime) -> Doors:
    """Which sessions somebody signs in to now, in one query."""
    closed: dict[str, str] = {}
    holders: set[int] = set()
    for row in SignedInSession.objects.being_signed_in(now).defer("state"):
        key = key_of(row)
        closed[Kind.SESSION.of(key.name)] = f"Another run signs in as {key.account} at {key.site}."
        holders.add(attempt_of(row.holder))
    return Doors(closed, frozenset(holders))


def holder_of(attempt_id: int) -> str:
    """How an attempt is named that signs in."""
    return f"{_HOLDER}{attempt_id}"


def attempt_of(holder: str) -> int:
    """The key of the attempt that a holder's name means."""
    return int(holder.removeprefix(_HOLDER))


def session_of(run: Run) -> SessionKey | None:
    """The session a run needs; None where it needs none, or where that was not known when it was requested."""
    names = names_of(Kind.SESSION, (demand.key for demand in run.demands.all()))
    return SessionKey.named(names[0]) if names else None


def keep_session_demand(*, run: Run, key: SessionKey) -> None:
    """Write that a run needs a session, where that was not known when it was requested."""
    Demand.objects.get_or_create(run=run, key=Kind.SESSION.of(key.name), defaults={"most": None})


def pass_door(*, run: Run, attempt: Attempt, now: datetime) -> str | None:
    """Let an attempt start that needs a session: None, or the key of the session another one signs in to.

    Where no usable session is kept, the attempt is the one that signs in from now on. Call inside a transaction that is
    rolled back otherwise; nobody is waited for.
    """
    key = session_of(run)
    declared = run.version.options.get("session")
    if key is None or not declared:
        return None
    max_age = timedelta(seconds=declared["max_age_seconds"])
    known = CACHE.look(key)
    if known.is_usable(now, max_age) and not known.is_held(now):
        return None
    wish = Wish(holder=holder_of(attempt.pk), lease=settings.LEASE + TICKET_SPARE, max_age=max_age)
    answer = CACHE.ask_without_waiting(key, wish)
    return Kind.SESSION.of(key.name) if answer is None or isinstance(answer, Busy) else None


def close_behind(*, attempt: Attempt) -> list[str]:
    """End the login of an attempt that ends, where it had one; the keys others may start with now.

    Part of the transaction that ends the attempt, whose failure counts against the account where it ended the stage that
    signs in.
    """
    run = attempt.run
    key = session_of(run)
    declared = run.version.options.get("session") if key is not None else None
    if key is None or not declared:
        return []
    failure = attempt.failure_message or attempt.failure_kind if _is_failed_login(attempt, declared) else ""
    locked = CACHE.give_up(
        key, holder=holder_of(attempt.pk), failure=failure, guard=guard_of(declared.get("max_failed_logins"))
    )
    if locked:
        _alert(run, key, failure)
    return [Kind.SESSION.of(key.name)] if locked is not None else []


def guard_of(max_failed_logins: int | None) -> Guard:
    """After how many failed logins nobody tries any more: what the automation says, up to the installation's number."""
    most = settings.SESSION_FAILED_LOGINS
    return Guard(
        most_failures=min(max_failed_logins, most) if max_failed_logins else most,
        lockout=settings.SESSION_LOCKOUT,
    )


def close_session_alert(key: SessionKey, reason: str) -> None:
    """Close the alert about failed logins, because they are tried again."""
    close_alert(key=_alert_key(key), reason=reason)


def _is_failed_login(attempt: Attempt, declared: Mapping[str, Any]) -> bool:
    return (
        attempt.state in (AttemptState.FAILED, AttemptState.TIMED_OUT)
        and attempt.failed_stage == declared["login"]
        and attempt.failure_kind in FAILED_LOGINS
    )


def _alert(run: Run, key: SessionKey, failure: str) -> None:
    row = SignedInSession.objects.defer("state").get(
        customer=key.customer, site=key.site, account=key.account
    )
    alert(
        key=_alert_key(key),
        title=f"Logins as {key.account} at {key.site} failed",
        text=f"{row.failures} logins failed one after another; no other one is tried for a while, so that the site does not "
        f"lock the account. Mend the cause, then release the lock. The latest: {failure}",
        severity=Severity.CRITICAL,
        link=console_link(f"infra_shared/signedinsession/{row.pk}/change/"),
        customer=key.customer,
        automation=run.automation.key,
    )


def _alert_key(key: SessionKey) -> str:
    return f"{SESSION}:{key.name}"
