"""Signed-in sessions as rows, for all nodes that share the database, whose clock counts."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction

from infra_shared.crypto import DecryptionError
from infra_shared.database import database_now
from infra_shared.models import SignedInSession
from infra_shared.sessions import rules
from infra_shared.sessions.protocol import MOST_BYTES, SessionCache, SessionCacheError
from infra_shared.sessions.rules import CachedSession, Record, SessionKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from django.db.models import QuerySet

    from infra_shared.sessions.rules import Answer, Wish

T = TypeVar("T")
_FIELDS = tuple(item.name for item in fields(Record))
_LONGEST_WORDS = 500


class DjangoSessionCache(SessionCache):
    """One row for each session. Each change may be part of a transaction of the caller."""

    def read(self, key: SessionKey, *, max_age: timedelta) -> CachedSession | None:
        """The kept state, unless it is older; None when there is none. SessionCacheError when it cannot be read."""
        try:
            row = _rows(key).first()
        except DecryptionError as error:
            msg = f"The session of {key.name} cannot be read: {error}"
            raise SessionCacheError(msg) from error
        if row is None or row.state is None or row.stored_at is None:
            return None
        if not _record(row).is_usable(database_now(), max_age):
            return None
        return CachedSession(row.state.reveal(), row.generation, row.stored_at)

    def look(self, key: SessionKey) -> Record:
        """What is known of a session beside its state; nothing is known of a new one."""
        row = _rows(key).defer("state").first()
        return _record(row) if row is not None else Record()

    def ask_without_waiting(self, key: SessionKey, wish: Wish) -> Answer | None:
        """`ask`, for who must not wait for a lock; None when somebody is changing this session at the moment."""
        _ensure(key)
        row = _rows(key).defer("state").select_for_update(skip_locked=True).first()
        if row is None:
            return None
        return _apply(row, lambda record, now: rules.ask(record, wish, now))

    def store(self, key: SessionKey, *, fence: int, state: dict[str, Any]) -> bool:
        """Keep what a login left, as `SessionCache.store`; SessionCacheError when it is too large for a row."""
        size = len(json.dumps(state))
        if size > MOST_BYTES:
            msg = f"The browser's state has {size:,} bytes; at most {MOST_BYTES:,} are kept."
            raise SessionCacheError(msg)
        return super().store(key, fence=fence, state=state)

    @transaction.atomic
    def _change(
        self,
        key: SessionKey,
        decide: Callable[[Record, datetime], tuple[Record, T]],
        *,
        state: dict[str, Any] | None = None,
    ) -> T:
        _ensure(key)
        row = _rows(key).defer("state").select_for_update().get()
        return _apply(row, decide, state=state)


def erase_old_states() -> int:
    """Erase every kept state that is too old for everybody who ever wanted it; how many there were."""
    now, cache = database_now(), DjangoSessionCache()
    old = [
        key_of(row) for row in SignedInSession.objects.kept().iterator() if _record(row).is_kept_in_vain(now)
    ]
    return sum(cache.expire(key) for key in old)


def key_of(row: SignedInSession) -> SessionKey:
    """The key of a row."""
    return SessionKey(row.customer, row.site, row.account)


def _ensure(key: SessionKey) -> None:
    if not _rows(key).exists():
        row = SignedInSession(customer=key.customer, site=key.site, account=key.account)
        SignedInSession.objects.bulk_create([row], ignore_conflicts=True)


def _rows(key: SessionKey) -> QuerySet[SignedInSession]:
    return SignedInSession.objects.filter(customer=key.customer, site=key.site, account=key.account)


def _record(row: SignedInSession) -> Record:
    return Record(**{name: getattr(row, name) for name in _FIELDS})


def _apply(
    row: SignedInSession,
    decide: Callable[[Record, datetime], tuple[Record, T]],
    *,
    state: dict[str, Any] | None = None,
) -> T:
    before = _record(row)
    after, answer = decide(before, database_now())
    if after == before:
        return answer
    changes: dict[str, Any] = {
        name: getattr(after, name) for name in _FIELDS if getattr(after, name) != getattr(before, name)
    }
    for words in changes.keys() & {"obstacle", "last_failure"}:
        changes[words] = changes[words][:_LONGEST_WORDS]
    if after.stored_at is None:
        changes["state"] = None
    elif after.generation != before.generation:
        changes["state"] = state
    SignedInSession.objects.filter(pk=row.pk).update(**changes)
    return answer
