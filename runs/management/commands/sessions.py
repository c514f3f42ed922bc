"""`manage.py sessions list|invalidate|release`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from infra_shared.database import database_now
from infra_shared.models import SignedInSession
from infra_shared.nouns import ACTOR, NounCommand
from infra_shared.sessions.django_cache import key_of
from infra_shared.sessions.rules import SessionKey
from runs.services.sessions import end_session, release_lock

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = "Look at signed-in sessions, end them, and let logins be tried again."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, json: bool, **_: Any) -> None:  # noqa: FBT001 - argparse hands options over by name
        """List what is known of each session; what is kept is never shown."""
        rows = [_facts(row) for row in SignedInSession.objects.defer("state")]
        if json:
            self.say_json(rows)
            return
        head = ("SESSION", "SIGNED IN", "SIGNS IN NOW", "FAILED LOGINS", "LOCKED UNTIL")
        lines = (
            (
                row["session"],
                row["signed_in_at"] or row["obstacle"] or "no",
                row["signs_in"],
                row["failed_logins"],
                row["locked_until"] or "",
            )
            for row in rows
        )
        self.say_table(head, lines, empty="No session is kept yet.")

    def invalidate_arguments(self, parser: CommandParser) -> None:
        """Arguments of `invalidate`."""
        _session_and_reason(parser)

    def do_invalidate(self, session: str, reason: str, **_: Any) -> None:
        """Forget a session, so that the next run signs in anew."""
        done = end_session(session=_named(session), actor=ACTOR, reason=reason)
        self.say("The next run signs in anew." if done else "Nothing is kept of it.")

    def release_arguments(self, parser: CommandParser) -> None:
        """Arguments of `release`."""
        _session_and_reason(parser)

    def do_release(self, session: str, reason: str, **_: Any) -> None:
        """Let logins be tried again after too many failed."""
        done = release_lock(session=_named(session), actor=ACTOR, reason=reason)
        self.say("The next run tries to sign in." if done else "Logins may be tried already.")


def _session_and_reason(parser: CommandParser) -> None:
    parser.add_argument("session", help="CUSTOMER/SITE/ACCOUNT, as `sessions list` writes it.")
    parser.add_argument("--reason", default="", help="Kept in the audit log.")


def _named(name: str) -> SignedInSession:
    try:
        key = SessionKey.named(name)
    except ValueError as error:
        raise CommandError(str(error)) from error
    rows = SignedInSession.objects.defer("state")
    row = rows.filter(customer=key.customer, site=key.site, account=key.account).first()
    if row is None:
        raise CommandError(f"There is no session {name}. See: manage.py sessions list")
    return row


def _facts(row: SignedInSession) -> dict[str, Any]:
    now = database_now()
    is_held = row.holder and row.lease_expires_at is not None and row.lease_expires_at > now
    is_locked = row.locked_until is not None and row.locked_until > now
    return {
        "session": key_of(row).name,
        "signed_in_at": row.stored_at.isoformat() if row.stored_at else None,
        "obstacle": row.obstacle,
        "signs_in": row.holder if is_held else "",
        "failed_logins": row.failures,
        "last_failure": row.last_failure,
        "locked_until": row.locked_until.isoformat() if is_locked and row.locked_until else None,
    }
