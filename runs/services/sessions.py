"""What an operator does about signed-in sessions: end one, and let logins be tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from infra_shared.services import audit
from infra_shared.sessions.django_cache import key_of
from runs.limit_keys import Kind
from runs.services import session_doors, turns

if TYPE_CHECKING:
    from infra_shared.models import SignedInSession


@transaction.atomic
def end_session(*, session: SignedInSession, actor: str, reason: str = "") -> bool:
    """Forget what is kept of a session, so that the next run signs in anew; False when nothing is kept.

    Runs that are under way with it go on: at the site it is valid until it is ended there.
    """
    if not session_doors.CACHE.invalidate(key_of(session)):
        return False
    _record(session, "session.end", actor, reason)
    return True


@transaction.atomic
def release_lock(*, session: SignedInSession, actor: str, reason: str = "") -> bool:
    """Let logins be tried again after too many failed, and wake who waits; False when they may be tried."""
    key = key_of(session)
    if not session_doors.CACHE.release(key):
        return False
    session_doors.close_session_alert(key, f"released by {actor}")
    _record(session, "session.release", actor, reason)
    turns.dispatch_due_attempts(counting=[Kind.SESSION.of(key.name)])
    return True


def _record(session: SignedInSession, action: str, actor: str, reason: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="session",
        object_id=key_of(session).name[:100],
        customer=session.customer,
        reason=reason,
    )
