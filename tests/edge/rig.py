"""Senders, the real Worker, a wire that is watched, and a whole origin that is there to be broken."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psutil

from config.local.postgres import PostgresServer
from config.local.processes import Part, free_port, stop
from config.local.system import START_SECONDS, throwaway_system
from config.local.worker import START_SECONDS as WORKER_START_SECONDS
from config.local.worker import worker_part
from tests.edge.office import Office
from tests.edge.relay import Relay
from tests.edge.senders import SCHEMES, Crowd, Sender
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from config.local.system import LocalSystem

FELT_SECONDS = 90.0
"""Within this time a trouble of the origin is noticed on the wire; the Worker gives a request up after 30 s."""
STORED_SECONDS = 120.0
CRON_SECONDS = 2
WORKER_SETTINGS = {"BACKOFF_BASE_SECONDS": "1", "BACKOFF_CAP_SECONDS": "4"}


@dataclass
class EdgeRig:
    """A running system with its Worker. Web alone of the origin runs: what is routed becomes runs that nobody begins.

    Attributes:
        server: the PostgreSQL of this system alone; None on SQLite.
    """

    system: LocalSystem
    relay: Relay
    worker: Part
    office: Office
    crowd: Crowd
    server: PostgresServer | None

    @property
    def senders(self) -> dict[str, Sender]:
        """Who sends, by the source's name."""
        return {sender.slug: sender for sender in self.crowd.senders}

    def send_through(
        self, trouble: Callable[[], contextlib.AbstractContextManager[None]], felt: str, each: int
    ) -> None:
        """Bring the origin into trouble while every sender sends so many.

        Returns when the trouble was felt on the wire, all are taken and it is over.
        """
        before, taken = self.relay.felt[felt], self.crowd.taken
        sent = self.crowd.start(each)
        wait_until(lambda: self.crowd.taken > taken, FELT_SECONDS, what="the first webhook to be taken")
        with trouble():
            for done in sent:
                done.result()
            wait_until(lambda: self.relay.felt[felt] > before, FELT_SECONDS, what=f"{felt!r} on the wire")

    def settled(self) -> dict[str, Any]:
        """The origin's books, once it has everything that was taken; all of it is routed, twice over."""
        wait_until(self._has_all, STORED_SECONDS, what="all to be stored", poll_seconds=0.5)
        self.office.do("route")
        self.office.do("route")
        return dict(self.office.do("facts"))

    def letters(self) -> list[dict[str, Any]]:
        """The dead letters the origin knows."""
        return list(self.office.do("letters"))

    @contextlib.contextmanager
    def web_killed(self) -> Iterator[None]:
        """The origin killed; it starts again afterwards."""
        self.system.web.kill()
        yield
        self.start_web()

    @contextlib.contextmanager
    def web_frozen(self) -> Iterator[None]:
        """The origin stopped by SIGSTOP: it takes connections and answers nothing."""
        family = list(self.system.web.family())
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    @contextlib.contextmanager
    def database_away(self) -> Iterator[None]:
        """The origin answers 503: PostgreSQL is stopped, or SQLite's write lock is held."""
        if self.server is None:
            with contextlib.closing(
                sqlite3.connect(self.system.folder / "automation.sqlite3", timeout=30)
            ) as holder:
                holder.isolation_level = None
                holder.execute("BEGIN IMMEDIATE")
                yield
            return
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()

    @contextlib.contextmanager
    def answer_lost(self) -> Iterator[None]:
        """The origin stores one batch and the Worker never hears of it."""
        self.relay.cut_next_answer()
        yield

    def start_web(self, **settings: str) -> None:
        """Start the origin's web process, with further settings; returns when it answers."""
        self.system.web.environment = {**self.system.web.environment, **settings}
        self.system.web.start()
        self.system.web.wait_until_ready(START_SECONDS)

    def restart_web(self, **settings: str) -> None:
        """End the origin's web process in good order and start it with further settings."""
        stop([self.system.web])
        self.start_web(**settings)

    def restart_worker(self, **settings: str) -> None:
        """Start the Worker anew with further settings, once its queue is empty: here that is in memory alone.

        Nobody may send meanwhile.
        """
        wait_until(self._has_all, STORED_SECONDS, what="the queue to be empty", poll_seconds=0.5)
        stop([self.worker])
        self.worker.environment = {**self.worker.environment, **settings}
        self.worker.start()
        self.worker.wait_until_ready(WORKER_START_SECONDS)

    def _has_all(self) -> bool:
        facts = self.office.do("facts")
        # Each 202 is a message of its own, and the books count it when the origin has answered for it.
        return bool(facts["stored"] >= self.crowd.taken and facts["received"] >= self.crowd.posts)


@contextlib.contextmanager
def edge_rig(database: str, *, schemes: Iterable[str] = SCHEMES, **worker: str) -> Iterator[EdgeRig]:
    """Yield a started rig whose Worker knows a source of each scheme; `worker` are settings of the Worker."""
    with contextlib.ExitStack() as stack:
        server = None
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        settings: dict[str, Any] = {"EDGE_WORKER_URL": url, "REQUEST_DEADLINE_SECONDS": "3"}
        if database == "postgres":
            server = PostgresServer()
            stack.callback(server.remove)
            server.start()
            settings["DATABASE_URL"] = server.create_database("main")
        system = stack.enter_context(throwaway_system(database="sqlite", **settings))
        relay = stack.enter_context(Relay(system.web_port))
        part = _worker(system, relay, port, worker)
        stack.callback(stop, [part])
        part.start()
        system.web.start()
        office = stack.enter_context(Office(system.environment, system.folder / "log" / "office.log"))
        senders = [
            Sender(
                scheme,
                scheme,
                office.do("open_source", slug=scheme, scheme=scheme, **said),
                said.get("options", {}),
            )
            for scheme, said in SCHEMES.items()
            if scheme in set(schemes)
        ]
        part.wait_until_ready(WORKER_START_SECONDS)
        system.web.wait_until_ready(START_SECONDS)
        office.do("sync")
        crowd = stack.enter_context(Crowd(url, senders))
        yield EdgeRig(system, relay, part, office, crowd, server)


def _worker(system: LocalSystem, relay: Relay, port: int, settings: Mapping[str, str]) -> Part:
    """The Worker, which believes the relay to be its origin, and whose schedule comes often."""
    part = worker_part(
        folder=system.folder / "edge",
        port=port,
        origin_url=relay.url,
        environment={**system.environment, **WORKER_SETTINGS, **settings},
        log=system.folder / "log" / "edge-worker.log",
    )
    return replace(part, command=[*part.command, "--cron-seconds", str(CRON_SECONDS)])
