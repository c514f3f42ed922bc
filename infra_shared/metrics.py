"""What is measured of files and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Min, Sum

from infra_shared.figures import Family, Group, Label, register
from infra_shared.models import Blob, BlobFinding, OutboxMessage, Spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

_NODE = Label("node", named_by="the host name of a machine that has nodes")
_CHANNEL = Label("channel", tuple(OutboxMessage.Channel.values))

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
BAD_BLOBS = Family(
    name="automation_blobs_found_bad",
    words="Contents that the latest check of the store (`artifacts check`) found missing or damaged.",
    labels=(Label("finding", tuple(BlobFinding.values)),),
)
SPOOL_FILES = Family(
    name="automation_spool_waiting_files",
    words="Artifacts that wait on a node for the store of files, which does not answer it.",
    labels=(_NODE,),
)
SPOOL_BYTES = Family(
    name="automation_spool_waiting_bytes",
    words="What they take on the node's disk; ARTIFACTS_SPOOL_BYTES is the most.",
    labels=(_NODE,),
)
SPOOL_OLDEST = Family(
    name="automation_spool_oldest_waiting_seconds",
    words="Since when the oldest of them waits; 0 when none does.",
    labels=(_NODE,),
)
WAITING = Family(
    name="automation_outbox_waiting_messages",
    words="Messages that are still to be sent, first tries and later ones.",
    labels=(_CHANNEL,),
)
OLDEST = Family(
    name="automation_outbox_oldest_waiting_seconds",
    words="How long ago the oldest of them was written; 0 when none waits.",
    labels=(_CHANNEL,),
)
FAILED = Family(
    name="automation_outbox_failed_messages",
    words="Messages that were given up; a person may send them again.",
    labels=(_CHANNEL,),
)


def read_blobs(_now: datetime) -> Iterator[Figure]:
    """What the rows say is stored."""
    sums = Blob.objects.aggregate(
        blobs=Count("pk"), plain=Sum("size_bytes", default=0), stored=Sum("stored_bytes", default=0)
    )
    yield BLOBS.of(sums["blobs"])
    yield PLAIN_BYTES.of(sums["plain"])
    yield STORED_BYTES.of(sums["stored"])


def read_findings(_now: datetime) -> Iterator[Figure]:
    """What the latest check found, for each thing that may be wrong."""
    rows = Blob.objects.exclude(finding="").order_by().values_list("finding").annotate(count=Count("pk"))
    found = dict(rows)
    for finding in BlobFinding.values:
        yield BAD_BLOBS.of(found.get(finding, 0), finding)


def read_spools(now: datetime) -> Iterator[Figure]:
    """What waits for the store; machines that never had to wait have no figure. Two spools of one machine are summed."""
    sums: dict[str, tuple[int, int, float]] = {}
    for spool in Spool.objects.all():
        files, size, seconds = sums.get(spool.node_name, (0, 0, 0.0))
        waits = max((now - spool.oldest_at).total_seconds(), 0.0) if spool.oldest_at else 0.0
        sums[spool.node_name] = (files + spool.files, size + spool.waiting_bytes, max(seconds, waits))
    for node, (files, size, seconds) in sums.items():
        yield SPOOL_FILES.of(files, node)
        yield SPOOL_BYTES.of(size, node)
        yield SPOOL_OLDEST.of(seconds, node)


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
register(Group(title="Check of the files", families=(BAD_BLOBS,), read=read_findings))
register(
    Group(
        title="Files that wait for their store",
        families=(SPOOL_FILES, SPOOL_BYTES, SPOOL_OLDEST),
        read=read_spools,
    )
)
register(Group(title="Mail and webhooks out", families=(WAITING, OLDEST, FAILED), read=read_outbox))
