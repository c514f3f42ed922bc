"""Whom an attempt asks about its session; called from the thread that called `webgraph.runner.run_attempt`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from infra_shared.sessions.protocol import SessionCacheError
from infra_shared.sessions.rules import Granted, Wish
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from datetime import timedelta

    from infra_shared.sessions.protocol import SessionCache
    from infra_shared.sessions.rules import Answer, CachedSession, Guard, SessionKey
    from webgraph.session import SessionUse


FAILED_LOGINS = frozenset(
    {
        FailureKind.AUTH,
        FailureKind.TIMEOUT,
        FailureKind.TARGET_NOT_FOUND,
        FailureKind.TARGET_AMBIGUOUS,
        FailureKind.WRONG_PAGE,
        FailureKind.BLOCKED_BY_SITE,
    }
)
"""Ends of the stage that signs in after which the site may have counted a failed login. Others, such as a site that was
not reached or a worker that was lost, say nothing about the account."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a login left: the browser's state, or else why it cannot be kept."""

    state: dict[str, Any] | None
    obstacle: str = ""


class SessionDesk(Protocol):
    """Keeps the one session of an attempt, and lets one attempt at a time sign in for it."""

    def current(self, _: None) -> CachedSession | None:
        """The kept session, None where there is none. SessionCacheError is never raised: it counts as none."""

    def ask(self, saw: int) -> Answer:
        """May this attempt sign in? `saw` is the generation of a kept session that is of no use."""

    def signed_in(self, left: Signed) -> str:
        """Keep what the login left; why it is not kept, empty when it is."""

    def used(self, use: SessionUse) -> None:
        """Keep how the attempt came to be signed in."""

    def not_needed(self, _: None) -> None:
        """Let others sign in: this attempt goes on without."""


class CacheDesk:
    """A desk over a cache, for one holder."""

    def __init__(
        self,
        cache: SessionCache,
        key: SessionKey,
        *,
        holder: str,
        lease: timedelta,
        max_age: timedelta,
        guard: Guard,
    ) -> None:
        self._cache = cache
        self._key = key
        self._holder = holder
        self._lease = lease
        self._max_age = max_age
        self._guard = guard
        self._fence: int | None = None
        self._out_of_order = "Nobody let this attempt sign in for others."
        self._signed_in = False
        self.use: SessionUse | None = None
        """How the attempt came to be signed in, once that is known."""

    def current(self, _: None) -> CachedSession | None:
        """The kept session; one that cannot be read is none, and is forgotten: it would be in the way for ever."""
        try:
            return self._cache.read(self._key, max_age=self._max_age)
        except SessionCacheError:
            with suppress(SessionCacheError):  # then `ask` says what is wrong
                self._cache.invalidate(self._key)
            return None

    def ask(self, saw: int) -> Answer:
        """May this attempt sign in? Where the cache is out of order it may, for itself alone."""
        wish = Wish(holder=self._holder, lease=self._lease, max_age=self._max_age, saw=saw)
        try:
            answer = self._cache.ask(self._key, wish)
        except SessionCacheError as error:
            self._out_of_order = str(error)
            return Granted(fence=0)
        if isinstance(answer, Granted):
            self._fence, self._signed_in = answer.fence, False
        return answer

    def signed_in(self, left: Signed) -> str:
        """Keep what the login left; why it is not kept, empty when it is."""
        fence = self._fence
        if fence is None:
            return self._out_of_order
        obstacle = left.obstacle
        if left.state is not None:
            try:
                kept = self._cache.store(self._key, fence=fence, state=left.state)
            except SessionCacheError as error:
                obstacle = str(error)
            else:
                self._signed_in = True
                return "" if kept else "Another attempt was let sign in meanwhile."
        self._cache.note_obstacle(self._key, fence=fence, reason=obstacle)
        self._signed_in = True
        return obstacle

    def used(self, use: SessionUse) -> None:
        """Remember how the attempt came to be signed in."""
        self.use = use

    def not_needed(self, _: None) -> None:
        """Let others sign in, where this holder was let."""
        self.give_up("")

    def beat(self) -> None:
        """Go on holding the login while the attempt signs in."""
        if self._fence is not None and not self._signed_in:
            self._cache.extend(self._key, fence=self._fence, lease=self._lease)

    def give_up(self, failure: str) -> bool:
        """End a login that did not succeed; True when nobody may try any more."""
        self._fence = None
        with suppress(SessionCacheError):  # then it never held one
            return bool(
                self._cache.give_up(self._key, holder=self._holder, failure=failure, guard=self._guard)
            )
        return False
