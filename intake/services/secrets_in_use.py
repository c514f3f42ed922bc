"""When each secret of a source was last used, as the edge tells by fingerprints."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q

from intake.models import SourceSecret
from intake.signatures.edge import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from intake.models import Source

_NOTED_EVERY = timedelta(minutes=1)


def note_use(used: Iterable[tuple[Source, str]], *, now: datetime) -> None:
    """Note which secrets fitted. Each at most once a minute, and two statements however many there are.

    A fingerprint that is none of a source's secrets is of one that was removed here and not yet at the edge.
    """
    wanted = {(source.pk, print_) for source, print_ in used if print_}
    if not wanted:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _NOTED_EVERY)
    rows = SourceSecret.objects.valid_at(now).filter(stale, source__in={pk for pk, _ in wanted})
    found = [
        row.pk
        for row in rows
        if any(
            (row.source_id, fingerprint(key=key, secret=row.secret.reveal())) in wanted
            for key in settings.EDGE_CONTROL_KEYS
        )
    ]
    SourceSecret.objects.filter(pk__in=found).update(last_used_at=now)
