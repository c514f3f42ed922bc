"""What is measured of files and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Min, Sum

from infra_shared.figures import Family, Group, register
from infra_shared.models import Blob, OutboxMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

BLOBS = Family(
    name="automation_blobs",
    words="Contents in the store of files; the same bytes are kept once.",
)
PLAIN_BYTES = Family(
    name="automation_blobs_plain_bytes",
    words="What they come to as they were before compression.",
)
STORED_BYTES = Family(
    name="automation_blobs_stored_bytes",
    words="What they take in the store.",
)
WAITING = Family(
    name="automation_outbox_waiting_messages",
    words="Messages that are still to be sent, first tries and later ones.",
    labels=("channel",),
)
OLDEST = Family(
    name="automation_outbox_oldest_waiting_seconds",
    words="How long ago the oldest of them was written; 0 when none waits.",
    labels=("channel",),
)
FAILED = Family(
    name="automation_outbox_failed_messages",
    words="Messages that were given up; a person may send them again.",
    labels=("channel",),
)


def read_blobs(_now: datetime) -> Iterator[Figure]:
    """What the rows say is stored."""
    sums = Blob.objects.aggregate(
        blobs=Count("pk"), plain=Sum("size_bytes", default=0), stored=Sum("stored_bytes", default=0)
    )
    yield BLOBS.of(sums["blobs"])
    yield PLAIN_BYTES.of(sums["plain"])
    yield STORED_BYTES.of(sums["stored"])


def read_outbox(now: datetime) -> Iterator[Figure]:
    """What waits and what was given up, for each way a message may go."""
    state = OutboxMessage.State
    # Named by their states, and not as "all but sent": an index leads to the few that are meant.
    meant = OutboxMessage.objects.order_by().filter(state__in=(state.PENDING, state.FAILED))
    rows = meant.values_list("channel", "state").annotate(count=Count("pk"), oldest=Min("created_at"))
    found = {(channel, at): (count, oldest) for channel, at, count, oldest in rows}
    for channel in OutboxMessage.Channel.values:
        waiting, since = found.get((channel, state.PENDING), (0, now))
        failed, _ = found.get((channel, state.FAILED), (0, now))
        yield WAITING.of(waiting, channel)
        yield OLDEST.of(max((now - since).total_seconds(), 0), channel)
        yield FAILED.of(failed, channel)


register(Group(title="Files", families=(BLOBS, PLAIN_BYTES, STORED_BYTES), read=read_blobs))
register(Group(title="Mail and webhooks out", families=(WAITING, OLDEST, FAILED), read=read_outbox))
