"""The keys of sealed files that wait in the spools of nodes.

A file that holds a secret is sealed before it waits, by the newest key of the process that kept it. The files lie on the
node, and the orders to rotate come elsewhere; so the node itself brings them under the newest key it knows, and writes into
the spool's row how many are under which key. Keys are told apart by their fingerprints, as a node that was not started
since has another list.
"""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, Any

import structlog
from django.db.models import Count

from infra_shared.blobs.spool import SpoolError
from infra_shared.crypto import DecryptionError, key_fingerprints, key_number
from infra_shared.key_places import KeyPlace, Tally
from infra_shared.models import Spool
from infra_shared.sealing import LONGEST_HEAD_BYTES, rewrap, wrapped_key
from runs.models import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from infra_shared.blobs.spool import SpoolFolder

NO_KEY = ""
"""Stands for the fingerprint of a key that is not in the list of who looked."""
_OLDER = 1
_log = structlog.get_logger(__name__)


def bring_under_newest_key(folder: SpoolFolder) -> dict[UUID, str]:
    """Wrap what waits sealed by an older key anew; the fingerprint of each sealed file's key, by its own key in the spool.

    For who holds the spool. What cannot be read now is left to the delivery, which says so.
    """
    found: dict[UUID, str] = {}
    for key in folder.waiting():
        try:
            fingerprint = _brought(folder, key)
        except SpoolError as error:
            _log.warning("spooled_key_not_looked_at", key=str(key), reason=error.reason)
        else:
            if fingerprint is not None:
                found[key] = fingerprint
    return found


def counted(sealed: dict[UUID, str], folder: SpoolFolder) -> dict[str, int]:
    """How many of these still wait, by the fingerprint of their key."""
    left = set(folder.waiting())
    return dict(Counter(fingerprint for key, fingerprint in sealed.items() if key in left))


def _brought(folder: SpoolFolder, key: UUID) -> str | None:
    """The fingerprint of the key a file is under by now; None when it is gone or not sealed."""
    seen = folder.peek(key, LONGEST_HEAD_BYTES)
    if seen is None or not _is_sealed(seen[0]):
        return None
    fingerprints = key_fingerprints()
    number = _number(seen[1])
    if number is None:
        return NO_KEY
    if number == 0:
        return fingerprints[0]
    spooled = folder.read(key)
    if spooled is None:
        return None
    anew = io.BytesIO()
    rewrap(io.BytesIO(spooled.body), anew)
    folder.replace(spooled, anew.getvalue())
    return fingerprints[0]


def _is_sealed(facts: dict[str, Any]) -> bool:
    return bool(facts.get("quarantine_reason"))


def _number(start: bytes) -> int | None:
    try:
        return key_number(wrapped_key(io.BytesIO(start)))
    except DecryptionError:
        return None


class SpooledFiles(KeyPlace):
    """Sealed files that wait on nodes, as these told of them.

    One that a row knows of and its node has not told of yet counts as under an older key: nobody here can say.
    """

    name = "runs.Artifact.spool"

    def walk(self, *, rotate: bool, batch: int) -> Iterator[Tally]:
        """Every spool's row; a rotation changes nothing here, but nodes do at each look at their spool."""
        del rotate, batch
        tally, known = Tally(), self._known()
        for spool in Spool.objects.all():
            told = Counter({fingerprint: int(number) for fingerprint, number in spool.sealed_by.items()})
            for fingerprint in told.elements():
                self._add(tally, _number_of(fingerprint), spool)
            for _ in range(known.get(spool.pk, 0) - told.total()):
                self._add(tally, _OLDER, spool)
        yield tally

    def _add(self, tally: Tally, number: int | None, spool: Spool) -> None:
        tally.add(number, row=f"a file on {spool.node_name}")
        if number:
            tally.held_at.add(spool.node_name)

    def _known(self) -> dict[UUID, int]:
        """How many sealed files wait in each spool, as the rows of artifacts have it."""
        waiting = Artifact.objects.waiting().filter(quarantined_at__isnull=False).order_by()
        return dict(waiting.values_list("spool_id").annotate(number=Count("pk")))


def _number_of(fingerprint: str) -> int | None:
    fingerprints = key_fingerprints()
    return fingerprints.index(fingerprint) if fingerprint in fingerprints else None
