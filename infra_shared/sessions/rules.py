"""What may happen to one signed-in session: who may sign in, what may be stored, when nobody may try any more.

Pure functions of a record and the time. Each returns the record as it is afterwards, and an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

NEVER = 0
"""The generation of a state that nobody has seen."""
_MOST_SECONDS = 2**31 - 1
"""What a column of a row holds."""
_LONGEST_LOCKOUT = timedelta(days=1)
_MOST_DOUBLED = 16


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Whose session it is: opaque words for the customer, the site and the account there."""

    customer: str
    site: str
    account: str

    @property
    def name(self) -> str:
        """The key as one text, from which `named` makes it again."""
        return "/".join(quote(part, safe=":") for part in (self.customer, self.site, self.account))

    @classmethod
    def named(cls, name: str) -> SessionKey:
        """The key of a name; ValueError when it is none."""
        parts = name.split("/")
        if len(parts) != 3:
            msg = f"{name!r} names no session; write CUSTOMER/SITE/ACCOUNT as `sessions list` does."
            raise ValueError(msg)
        return cls(*(unquote(part) for part in parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of one session beside its state. A state is kept exactly when `stored_at` says since when.

    `generation` is the fence of the login that stored it. `holder` signs in until `lease_expires_at`. `obstacle` says why
    the latest login left nothing to keep. `max_age_seconds` is the longest that anybody who wanted it would still use a
    state. `failures` are logins that failed one after another, the last at `failed_at`.
    """

    generation: int = NEVER
    stored_at: datetime | None = None
    max_age_seconds: int = 0
    obstacle: str = ""
    fence: int = 0
    holder: str = ""
    lease_expires_at: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None
    last_failure: str = ""
    locked_until: datetime | None = None

    def is_held(self, now: datetime) -> bool:
        """Whether somebody is signing in."""
        return bool(self.holder) and self.lease_expires_at is not None and self.lease_expires_at > now

    def is_locked(self, now: datetime) -> bool:
        """Whether too many logins failed for another one to be tried."""
        return self.locked_until is not None and self.locked_until > now

    def is_usable(self, now: datetime, max_age: timedelta) -> bool:
        """Whether a state is kept that is not too old."""
        return self.stored_at is not None and self.stored_at > now - max_age

    def is_kept_in_vain(self, now: datetime) -> bool:
        """Whether a state is kept that is too old for everybody who ever wanted it."""
        return self.stored_at is not None and not self.is_usable(now, timedelta(seconds=self.max_age_seconds))


@dataclass(frozen=True, slots=True)
class CachedSession:
    """A kept state: a secret. `generation` names it when it turns out to be of no use."""

    state: dict[str, Any] = field(repr=False)
    generation: int
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Granted:
    """This holder signs in, and stores what comes of it with this fence. `renews`: somebody had signed in before."""

    fence: int
    renews: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """Nobody needs to sign in: a state is kept that was not known to be of no use."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else is signing in."""

    holder: str


@dataclass(frozen=True, slots=True)
class LockedOut:
    """Too many logins failed: no other one is tried until then, or until somebody releases the lock."""

    until: datetime
    failures: int
    last_failure: str


Answer = Granted | Ready | Busy | LockedOut


@dataclass(frozen=True, slots=True)
class Guard:
    """After how many failed logins in a row no other one is tried, and for how long at first."""

    most_failures: int = 3
    lockout: timedelta = timedelta(hours=1)

    def pause_after(self, failures: int) -> timedelta:
        """How long no other one is tried: twice as long after each further failure, up to a day.

        A site counts failures until somebody signs in, too. So the end of a lock lets one login be tried, and not as many
        as before.
        """
        further = min(max(failures - self.most_failures, 0), _MOST_DOUBLED)
        return max(self.lockout, min(self.lockout * (1 << further), _LONGEST_LOCKOUT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wants to be signed in: with a state no older than `max_age`, and not one they `saw` to be of no use."""

    holder: str
    lease: timedelta
    max_age: timedelta
    saw: int = NEVER


def ask(record: Record, wish: Wish, now: datetime) -> tuple[Record, Answer]:
    """What somebody has to do who wants to be signed in. Who asks again while holding the login holds it on."""
    if record.is_held(now) and record.holder != wish.holder:
        return record, Busy(record.holder)
    wanted = min(int(wish.max_age.total_seconds()), _MOST_SECONDS)
    longest = max(record.max_age_seconds, wanted)
    if record.is_usable(now, wish.max_age) and record.generation != wish.saw:
        return replace(record, max_age_seconds=longest), Ready()
    if wish.saw != NEVER and record.generation == wish.saw:
        record = replace(record, stored_at=None)
    if record.is_locked(now) and record.locked_until is not None:
        return record, LockedOut(record.locked_until, record.failures, record.last_failure)
    fence = record.fence + 1
    held = replace(
        record,
        holder=wish.holder,
        fence=fence,
        lease_expires_at=now + wish.lease,
        max_age_seconds=longest if record.stored_at is not None else wanted,
    )
    return held, Granted(fence, renews=record.generation != NEVER)


def extend(record: Record, fence: int, lease: timedelta, now: datetime) -> tuple[Record, bool]:
    """Go on holding the login; False when it is somebody else's by now, or over."""
    if not _holds(record, fence):
        return record, False
    return replace(record, lease_expires_at=now + lease), True


def store(record: Record, fence: int, now: datetime) -> tuple[Record, bool]:
    """The login succeeded and its state is kept; False when the login is somebody else's by now. May be repeated."""
    if record.generation == fence:
        return record, record.stored_at is not None
    if not _holds(record, fence):
        return record, False
    return replace(_succeeded(record), stored_at=now, generation=fence, obstacle=""), True


def note_obstacle(record: Record, fence: int, reason: str) -> tuple[Record, bool]:
    """The login succeeded, but its state cannot be kept; False when the login is somebody else's by now."""
    if not _holds(record, fence):
        return record, False
    return replace(_succeeded(record), stored_at=None, obstacle=reason), True


def give_up(
    record: Record, holder: str, failure: str, guard: Guard, now: datetime
) -> tuple[Record, bool | None]:
    """The login ended without success, because of a `failure` of its own or, where that is empty, for another reason.

    The answer is whether nobody may try any more; None when this holder did not hold it.
    """
    if record.holder != holder:
        return record, None
    record = replace(record, holder="", lease_expires_at=None)
    if not failure:
        return record, False
    failures = record.failures + 1
    locked = failures >= guard.most_failures
    failed = replace(
        record,
        failures=failures,
        failed_at=now,
        last_failure=failure,
        locked_until=now + guard.pause_after(failures) if locked else None,
    )
    return failed, locked


def invalidate(record: Record) -> tuple[Record, bool]:
    """Forget the kept state; False when there was none."""
    return replace(record, stored_at=None), record.stored_at is not None


def expire(record: Record, now: datetime) -> tuple[Record, bool]:
    """Forget a kept state that is too old for everybody; False when there is none."""
    return (replace(record, stored_at=None), True) if record.is_kept_in_vain(now) else (record, False)


def release(record: Record, now: datetime) -> tuple[Record, bool]:
    """Let logins be tried again; False when they may be."""
    released = replace(record, failures=0, failed_at=None, locked_until=None)
    return released, record.is_locked(now)


def _holds(record: Record, fence: int) -> bool:
    """Whether a fence is the newest one and its login is under way, be its lease over or not: nobody else took it."""
    return bool(record.holder) and record.fence == fence


def _succeeded(record: Record) -> Record:
    return replace(
        record,
        holder="",
        lease_expires_at=None,
        failures=0,
        failed_at=None,
        last_failure="",
        locked_until=None,
    )
