"""Sessions in the database, under digests of their keys.

Django keeps a session under its key as it stands in the cookie, so that a copy of the table, or of a back-up, signs
its reader in. Under a digest it does not. The key has 165 random bits: a plain digest of it cannot be searched.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

if TYPE_CHECKING:
    from django.contrib.sessions.base_session import AbstractBaseSession

_COLUMN_LENGTH = 40


class SessionStore(DatabaseStore):
    """Django's own store, with another name for each row."""

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing where there is none, or it expired."""
        name = stored_key(self.session_key or "")
        row = self.model.objects.filter(session_key=name, expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        return dict(self.decode(row.session_data))

    async def aload(self) -> dict[str, Any]:
        """The same for async views, as are the others."""
        return await sync_to_async(self.load)()

    def exists(self, session_key: str) -> bool:
        """Whether there is a session of this key."""
        return bool(super().exists(stored_key(session_key)))

    async def aexists(self, session_key: str) -> bool:
        """Whether there is a session of this key."""
        return bool(await super().aexists(stored_key(session_key)))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """The row of this session."""
        row = super().create_model_instance(data)
        row.session_key = stored_key(row.session_key)
        return row

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """The row of this session."""
        row = await super().acreate_model_instance(data)
        row.session_key = stored_key(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """End this session, or the one of a key."""
        key = session_key or self.session_key
        if key is not None:
            super().delete(stored_key(key))

    async def adelete(self, session_key: str | None = None) -> None:
        """End this session, or the one of a key."""
        await sync_to_async(self.delete)(session_key)


def stored_key(session_key: str) -> str:
    """The name a session's row has."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:_COLUMN_LENGTH]
