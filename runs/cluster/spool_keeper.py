"""The node's spool, kept by a thread of its outermost process: delivered as soon as the store is back."""

from __future__ import annotations

import threading

import structlog
from django.db import DatabaseError, connections

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.spool import SpoolError
from infra_shared.clock import monotonic
from infra_shared.services.spools import report_spool, spool_folder
from runs.services import spooled

LOOK_SECONDS = 5.0
OUTAGE_LOOK_SECONDS = 30.0
REPORT_SECONDS = 60.0
DELIVER_SECONDS = 20.0
_log = structlog.get_logger(__name__)


def look_after_spool() -> str:
    """Deliver what waits on this machine and write how much is left; what keeps it from the store, "" for nothing.

    Any process of the machine may call it: the node does by its thread, the chores each minute, and people by
    `artifacts deliver`. Raises DatabaseError and SpoolError.
    """
    folder = spool_folder()
    if not folder.exists:
        return ""
    delivery = spooled.deliver(folder=folder, store=artifact_store(), seconds=DELIVER_SECONDS)
    if delivery is None:
        return ""  # another process delivers, and reports
    report_spool(folder=folder, problem=delivery.problem, sealed_by=delivery.sealed_by)
    return delivery.problem


class SpoolKeeper:
    """Looks after the spool from `start` to `stop`; the outermost process itself never waits for the store."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._next_report = 0.0
        self._thread = threading.Thread(target=self._keep, name="spool-keeper", daemon=True)

    def start(self) -> None:
        """Begin with what a former node of this machine left."""
        self._thread.start()

    def stop(self, *, within_seconds: float) -> None:
        """Look no more; what is under way when the time is over is done again by the next node."""
        self._stopping.set()
        self._thread.join(within_seconds)

    def _keep(self) -> None:
        while not self._stopping.is_set():
            problem = ""
            try:
                problem = self._look()
            except DatabaseError as error:
                problem = "the database does not answer"
                _log.warning("spool_not_looked_after", error=str(error))
                connections.close_all()
            except SpoolError as error:
                problem = error.reason
                _log.error("spool_not_looked_after", error=error.reason)
            except Exception:  # noqa: BLE001 - nobody else starts this thread again: what waits would wait for ever
                problem = "something unforeseen"
                _log.exception("spool_not_looked_after")
            self._stopping.wait(OUTAGE_LOOK_SECONDS if problem else LOOK_SECONDS)
        connections.close_all()

    def _look(self) -> str:
        """Look after what waits; with nothing there only the row is kept young, now and then."""
        folder = spool_folder()
        if not folder.exists:
            return ""
        if not folder.waiting() and monotonic() < self._next_report:
            return ""
        self._next_report = monotonic() + REPORT_SECONDS
        return look_after_spool()
