"""The spool of this machine, and its row."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from django.conf import settings

from infra_shared.blobs.spool import SpoolFolder
from infra_shared.database import database_now
from infra_shared.models import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


def spool_folder() -> SpoolFolder:
    """The spool of this machine as the settings say; also where nothing more may wait, for what waits already."""
    return SpoolFolder(settings.ARTIFACTS_SPOOL_DIR, most_bytes=settings.ARTIFACTS_SPOOL_BYTES)


def host_name() -> str:
    """What people call this machine."""
    return socket.gethostname()


def remember_spool(*, spool_id: UUID, node_name: str, now: datetime) -> Spool:
    """The row of a spool, made if need be: its keeper may not have seen it yet."""
    row, _ = Spool.objects.get_or_create(pk=spool_id, defaults={"node_name": node_name, "seen_at": now})
    return row


def report_spool(
    *, folder: SpoolFolder, problem: str = "", sealed_by: Mapping[str, int] | None = None
) -> Spool:
    """Write what waits in a spool by now, how much of it is sealed by which key, and that somebody looks after it."""
    state = folder.state()
    row, _ = Spool.objects.update_or_create(
        pk=folder.id,
        defaults={
            "node_name": host_name(),
            "files": state.files,
            "waiting_bytes": state.waiting_bytes,
            "oldest_at": state.oldest_at,
            "problem": problem[:500] if state.files else "",
            "sealed_by": dict(sealed_by or {}),
            "seen_at": database_now(),
        },
    )
    return row
