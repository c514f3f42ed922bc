"""The node's row, kept by a thread: the outermost process itself must never wait for the database."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, connections

from runs.cluster.browser_census import BrowserCensus
from runs.cluster.lease import quarter_lease_seconds
from runs.cluster.process_watch import ProcessWatch
from runs.services import draining, nodes

if TYPE_CHECKING:
    from uuid import UUID

OUTAGE_PAUSE_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class NodeRow:
    """Beats the row from `start` to `stop`, hears what operators ask of the node, and looks after its processes."""

    def __init__(self, node_id: UUID) -> None:
        self._node_id = node_id
        self._census = BrowserCensus(os.getpid())
        self._watch = ProcessWatch(node_id, outermost_pid=os.getpid())
        self._asked_to_drain = False
        self._hand_back = False
        self._draining = False
        self._stopping = False
        self._gone = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="node-row", daemon=True)

    @property
    def is_gone(self) -> bool:
        """Whether the row was deleted under us: nothing this node writes will find it."""
        return self._gone

    @property
    def asked_to_drain(self) -> bool:
        """Whether an operator asked the node to leave."""
        return self._asked_to_drain

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def drain(self) -> None:
        """Have it written that no ticket may be made for this node any more."""
        self._draining = True
        self._wake.set()

    def stop(self, *, within_seconds: float, hand_back: bool = False) -> None:
        """Have it written that the node ended; gives up after a while, and the row ages out.

        With `hand_back`, what its processes had in hand when they were killed goes back to the queue at once.
        """
        self._hand_back = hand_back
        self._stopping = True
        self._wake.set()
        self._thread.join(within_seconds)

    def _keep(self) -> None:
        while True:
            pause = quarter_lease_seconds()
            stopping = self._stopping
            try:
                self._write()
            except DatabaseError as error:
                _log.warning("node_beat_missed", error=str(error))
                connections.close_all()
                self._watch.begin_anew()
                pause = OUTAGE_PAUSE_SECONDS
            else:
                if stopping:
                    connections.close_all()
                    return
            self._wake.wait(pause)
            self._wake.clear()

    def _write(self) -> None:
        if self._stopping:
            if self._hand_back:
                draining.hand_back_attempts(node_id=self._node_id)
            nodes.stop_node(node_id=self._node_id)
            return
        if self._draining:
            nodes.drain_node(node_id=self._node_id)
        self._gone = not nodes.beat_node(node_id=self._node_id, browsers=self._census.look())
        self._asked_to_drain = draining.is_asked_to_drain(node_id=self._node_id)
        self._watch.look()
