"""What a cache of signed-in sessions promises, whoever keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from infra_shared.sessions import rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from infra_shared.sessions.rules import Answer, CachedSession, Guard, Record, SessionKey, Wish

T = TypeVar("T")
MOST_BYTES = 1024 * 1024
"""A browser that holds more than this is not kept."""


class SessionCacheError(Exception):
    """A session cannot be read or kept now; the message says why, and what to do."""


class SessionCache(ABC):
    """Keeps sessions by key. Each change is atomic among all processes that use the same cache.

    An implementation says how one record is read and changed, and whose clock counts.
    """

    @abstractmethod
    def read(self, key: SessionKey, *, max_age: timedelta) -> CachedSession | None:
        """The kept state, unless it is older; None when there is none. SessionCacheError when it cannot be read."""

    @abstractmethod
    def look(self, key: SessionKey) -> Record:
        """What is known of a session beside its state; nothing is known of a new one."""

    def ask(self, key: SessionKey, wish: Wish) -> Answer:
        """What somebody has to do who wants to be signed in; with Granted, they hold the one login of this key."""
        return self._change(key, lambda record, now: rules.ask(record, wish, now))

    def extend(self, key: SessionKey, *, fence: int, lease: timedelta) -> bool:
        """Go on holding the login for as long as `lease` from now; False when it is somebody else's by now."""
        return self._change(key, lambda record, now: rules.extend(record, fence, lease, now))

    def store(self, key: SessionKey, *, fence: int, state: dict[str, Any]) -> bool:
        """Keep what a login left, encrypted, and end it; False, and nothing kept, when it is somebody else's by now."""
        return self._change(key, lambda record, now: rules.store(record, fence, now), state=state)

    def note_obstacle(self, key: SessionKey, *, fence: int, reason: str) -> bool:
        """End a login that succeeded and left nothing that can be kept; False when it is somebody else's by now."""
        return self._change(key, lambda record, _now: rules.note_obstacle(record, fence, reason))

    def give_up(self, key: SessionKey, *, holder: str, failure: str, guard: Guard) -> bool | None:
        """End a login without success. True when nobody may try any more, None when this holder held none.

        An empty `failure` is no failed login: whoever held it was stopped, or found out that none was needed.
        """
        return self._change(key, lambda record, now: rules.give_up(record, holder, failure, guard, now))

    def invalidate(self, key: SessionKey) -> bool:
        """Forget the kept state, so that the next attempt signs in; False when none is kept."""
        return self._change(key, lambda record, _now: rules.invalidate(record))

    def expire(self, key: SessionKey) -> bool:
        """Forget the kept state when it is too old for everybody who ever wanted it; False when nothing was forgotten."""
        return self._change(key, rules.expire)

    def release(self, key: SessionKey) -> bool:
        """Let logins be tried again after too many failed; False when they may be."""
        return self._change(key, rules.release)

    @abstractmethod
    def _change(
        self,
        key: SessionKey,
        decide: Callable[[Record, datetime], tuple[Record, T]],
        *,
        state: dict[str, Any] | None = None,
    ) -> T:
        """Replace the record by what `decide` makes of it; its state is kept where the record has a new generation.

        A record without `stored_at` has no state: what was kept is erased.
        """
