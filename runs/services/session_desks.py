"""The desk of one claimed attempt: its session in the database, each change with the attempt's fence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from infra_shared.clock import monotonic
from runs.limit_keys import Kind
from runs.models import Attempt
from runs.services import session_doors, turns
from runs.services.claims import locked_attempt
from runs.services.demands import session_key
from webgraph.session_desk import CacheDesk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra_shared.sessions.rules import Answer, CachedSession, SessionKey
    from runs.services.claims import Claim
    from webgraph.flow import Automation
    from webgraph.session import SessionUse
    from webgraph.session_desk import Signed

_LONGEST_NOTE = 500


def desk_for(
    *,
    claim: Claim,
    code: type[Automation],
    params: Mapping[str, Any],
    write: Callable[[Callable[[], Any]], Any],
) -> RunDesk | None:
    """The desk of an attempt whose automation declares a session; None for any other.

    `write` carries work out when the database is reachable; the work may be repeated.
    """
    if code.session is None:
        return None
    key = session_key(code, code.Params.model_validate(params), claim.attempt.run.customer.key)
    return RunDesk(claim, key, code, write) if key is not None else None


class RunDesk(CacheDesk):
    """What `webgraph.session_desk.SessionDesk` says, for a claimed attempt.

    LostClaimError when the attempt moved on: then it may neither sign in nor keep anything.
    """

    def __init__(
        self,
        claim: Claim,
        key: SessionKey,
        code: type[Automation],
        write: Callable[[Callable[[], Any]], Any],
    ) -> None:
        declared = code.session
        assert declared is not None  # there is a key
        super().__init__(
            session_doors.CACHE,
            key,
            holder=session_doors.holder_of(claim.attempt.pk),
            lease=settings.LEASE,
            max_age=declared.max_age,
            guard=session_doors.guard_of(declared.max_failed_logins),
        )
        self._claim = claim
        self._next_beat = 0.0
        self._write = write

    def current(self, _: None) -> CachedSession | None:
        """The kept session, None where there is none."""
        read = super().current
        found: CachedSession | None = self._write(lambda: read(None))
        return found

    def ask(self, saw: int) -> Answer:
        """May this attempt sign in? What it needs is kept, so that it waits at the door the next time."""
        ask = super().ask

        def work() -> Answer:
            session_doors.keep_session_demand(run=self._claim.attempt.run, key=self._key)
            return ask(saw)

        answer: Answer = self._fenced(work)
        return answer

    def signed_in(self, left: Signed) -> str:
        """Keep what the login left, and let those start who wait for it; why it is not kept, empty when it is."""
        signed_in = super().signed_in

        def work() -> str:
            session_doors.close_session_alert(self._key, "a login succeeded")
            return signed_in(left)

        obstacle: str = self._fenced(work)
        self._write(self._wake)
        return obstacle

    def used(self, use: SessionUse) -> None:
        """Keep how the attempt came to be signed in."""
        super().used(use)
        facts = {"session": use.provenance.value, "session_note": use.note[:_LONGEST_NOTE]}
        self._fenced(lambda: Attempt.objects.filter(pk=self._claim.attempt.pk).update(**facts))

    def not_needed(self, _: None) -> None:
        """Let others sign in, where this attempt was let."""
        not_needed = super().not_needed
        self._fenced(lambda: not_needed(None))
        self._write(self._wake)

    def beat(self) -> None:
        """Go on holding the login while the attempt signs in; each quarter of a lease is often enough."""
        if monotonic() >= self._next_beat:
            super().beat()
            self._next_beat = monotonic() + settings.LEASE.total_seconds() / 4

    def _wake(self) -> None:
        turns.dispatch_due_attempts(counting=[Kind.SESSION.of(self._key.name)])

    def _fenced(self, work: Callable[[], Any]) -> Any:
        def fenced() -> Any:
            with transaction.atomic():
                locked_attempt(self._claim)
                return work()

        return self._write(fenced)
