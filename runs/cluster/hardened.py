"""django-q2's cluster, made to outlive the death of any of its processes.

What differs from the stock one, each for a failure that was seen:

- queues, flags and timers that no killed process can leave locked (`queues`, `shared`);
- every process ends with its parent (`kernel`), so a killed main or sentinel leaves no worker that goes on working;
- children are deaf to SIGTERM and SIGINT and stand in sessions of their own, so a signal to the group stops nothing
  half-way; who has to go is killed;
- the signal handler of the main process only counts; the work is done in its loop;
- the sentinel neither uses the database nor waits for anything but its children, and beats for the watchdog;
- on a stop, running tasks end in peace, but tickets that were only fetched are given back at once.
"""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

import structlog
from django.db import connections
from django_q.cluster import Cluster, Sentinel, get_mp_context
from django_q.conf import Conf
from django_q.monitor import monitor
from django_q.worker import worker

from infra_shared.clock import monotonic
from runs.cluster.broker import TicketBroker
from runs.cluster.kernel import kill_tree, settle_as_child
from runs.cluster.lease import quarter_lease_seconds
from runs.cluster.process import Post, current_process, take_post
from runs.cluster.pusher import push_tickets
from runs.cluster.queues import STOP, make_queue
from runs.cluster.shared import BusyTimer, Flag

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import ForkProcess
    from types import FrameType

    from runs.cluster.beats import BeatSender
    from runs.cluster.queues import PacketQueue, PlainQueue

SIGNAL_LATENCY_SECONDS = 0.2
MONITOR_GRACE_SECONDS = 30.0
SHORT_LIFE_SECONDS = 5.0
SHORT_LIFE_PAUSE_SECONDS = 1.0
FAILED = 1
_log = structlog.get_logger(__name__)


class HardenedCluster(Cluster):
    """The main process of a cluster: starts the sentinel and tells it when to stop."""

    def __init__(self, *, queue: str, processes: int, post: Post | None, beat: BeatSender) -> None:
        super().__init__(TicketBroker(queue))
        signal.signal(signal.SIGHUP, self.sig_handler)
        self._processes = processes
        self._post = post
        self._beat = beat
        self._parent_pid = os.getppid()
        self._signals = 0

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        """Count: the first signal means drain, the second one now."""
        self._signals += 1

    def start(self) -> int:
        """Start the sentinel; returns this process's id."""
        if self._post is not None:
            take_post(self._post)
        self.stop_event, self.start_event = Flag(), Flag()
        connections.close_all()  # a forked child must not share a connection
        self.sentinel = get_mp_context().Process(target=self._guard, name=f"{self.broker.list_key}-sentinel")
        self.sentinel.start()
        return int(self.pid)

    def run(self) -> int:
        """Serve until a signal; returns 0 after an orderly stop, 1 when the sentinel ended otherwise."""
        self.start()
        while self.sentinel.is_alive():
            if self._signals:
                self.stop_event.set()
            if self._signals > 1 or os.getppid() != self._parent_pid:
                kill_tree(self.sentinel.pid)
            wait([self.sentinel.sentinel], SIGNAL_LATENCY_SECONDS)
        self.sentinel.join()
        return 0 if self.sentinel.exitcode == 0 and self._signals == 1 else FAILED

    def _guard(self) -> None:
        sentinel = HardenedSentinel(
            stop_event=self.stop_event,
            start_event=self.start_event,
            cluster=self,
            processes=self._processes,
            target=worker if self._post is None else work_on_attempts,
            beat=self._beat,
        )
        try:
            sentinel.start()
        finally:
            sentinel.kill_children()


class HardenedSentinel(Sentinel):
    """Starts the cluster's processes, replaces those that end, and stops them."""

    def __init__(
        self,
        *,
        stop_event: Flag,
        start_event: Flag,
        cluster: HardenedCluster,
        processes: int,
        target: Callable[..., None],
        beat: BeatSender,
    ) -> None:
        super().__init__(stop_event, start_event, cluster.cluster_id, cluster.broker, start=False)
        settle_as_child(cluster.pid)
        self.pool_size = processes
        self.event_out = Flag()
        self.task_queue: PacketQueue | PlainQueue = make_queue(one_at_a_time=True, closing=self.event_out)
        self.result_queue: PacketQueue | PlainQueue = make_queue()
        self._worker_target = target
        self._beat = beat
        self._started_at: dict[ForkProcess, float] = {}
        self._timers: dict[ForkProcess, BusyTimer] = {}

    def start(self) -> None:
        """Run the cluster from its first process to its last."""
        for _ in range(self.pool_size):
            self.spawn_worker()
        self.monitor = self.spawn_monitor()
        self.pusher = self.spawn_pusher()
        self.start_event.set()
        _log.info("cluster_started", queue=self.queue_name(), processes=self.pool_size)
        self.guard()
        self.stop()

    def spawn_process(self, target: Callable[..., None], *args: Any) -> ForkProcess:
        """Fork a child that runs `target` and ends with this process."""
        name = f"{self.queue_name()}-{target.__name__}"
        child: ForkProcess = get_mp_context().Process(
            target=_as_child, args=(self.pid, target, args), name=name, daemon=True
        )
        child.start()
        self._started_at[child] = monotonic()
        return child

    def spawn_worker(self) -> None:
        """Fork one worker process."""
        timer = BusyTimer()
        child = self.spawn_process(
            self._worker_target, self.task_queue, self.result_queue, timer, self.timeout
        )
        self._timers[child] = timer
        self.pool.append(child)

    def spawn_pusher(self) -> ForkProcess:
        """Fork the process that takes tickets from the database."""
        return self.spawn_process(push_tickets, self.task_queue, self.event_out, self.broker)

    def spawn_monitor(self) -> ForkProcess:
        """Fork the process that acknowledges tickets."""
        return self.spawn_process(monitor, self.result_queue, self.broker)

    def guard(self) -> None:
        """Replace whoever ended or is overdue, until told to stop."""
        while not self.stop_event.is_set():
            self._beat.send()
            for child in self._children():
                if not child.is_alive() or self._is_overdue(child):
                    self.reincarnate(child)
            self._await_change([self.stop_event])

    def reincarnate(self, process: ForkProcess) -> None:
        """Put a new process in the place of one that ended or is overdue."""
        process.kill()
        process.join()
        if monotonic() - self._started_at.pop(process) < SHORT_LIFE_SECONDS:
            self.stop_event.wait(SHORT_LIFE_PAUSE_SECONDS)  # one that fails at its start must not spin
        log = _log.info if process.exitcode == 0 else _log.warning  # 0: recycled
        log("cluster_process_replaced", process=process.name, pid=process.pid, code=process.exitcode)
        if process is self.monitor:
            self.monitor = self.spawn_monitor()
        elif process is self.pusher:
            self.pusher = self.spawn_pusher()
        else:
            self.pool.remove(process)
            del self._timers[process]
            self.spawn_worker()
        self.reincarnations += 1

    def stop(self) -> None:
        """Let running tasks end, give back tickets nobody started, and leave.

        1. The flag makes idle workers leave at once and busy ones after their task; the pusher gives back and leaves.
        2. The monitor acknowledges what came out, then leaves too.
        """
        _log.info(
            "cluster_draining",
            queue=self.queue_name(),
            busy=sum(timer.value > 0 for timer in self._timers.values()),
        )
        self.event_out.set()
        self._await_end([*self.pool, self.pusher], deadline=float("inf"))
        self.result_queue.put(STOP)
        self._await_end([self.monitor], deadline=monotonic() + MONITOR_GRACE_SECONDS)
        _log.info("cluster_stopped", queue=self.queue_name())

    def kill_children(self) -> None:
        """End every process of the cluster at once."""
        for child in self._children():
            child.kill()

    def _children(self) -> list[ForkProcess]:
        return [child for child in (*self.pool, self.monitor, self.pusher) if child]

    def _is_overdue(self, child: ForkProcess) -> bool:
        timer = self._timers.get(child)
        return timer is not None and timer.value == 0

    def _await_end(self, children: list[ForkProcess], *, deadline: float) -> None:
        while alive := [child for child in children if child.is_alive()]:
            self._beat.send()
            for child in alive:
                if self._is_overdue(child) or monotonic() > deadline:
                    child.kill()
            self._await_change([], alive)

    def _await_change(self, others: list[Flag], children: list[ForkProcess] | None = None) -> None:
        """Wait one guard cycle, or until a child ends or a flag is raised."""
        if os.getppid() != self.parent_pid:  # where the kernel does not see to it
            self.kill_children()
            os._exit(FAILED)
        watched = self._children() if children is None else children
        wait([*(child.sentinel for child in watched), *(flag.fileno() for flag in others)], Conf.GUARD_CYCLE)


def work_on_attempts(
    task_queue: PacketQueue | PlainQueue,
    result_queue: PacketQueue | PlainQueue,
    timer: BusyTimer,
    timeout: int,
) -> None:
    """Be a worker process of a run queue: django-q2's loop, with a row that is kept fresh also while it waits."""
    process = current_process()
    try:
        task_queue.while_waiting(process.beat, every_seconds=_beat_offer_seconds())
        task_queue.stop_when(lambda: process.is_leaving)
        worker(task_queue, result_queue, timer, timeout)
    finally:
        process.close()


def _beat_offer_seconds() -> float:
    """How often a waiting worker is asked to beat; it knows itself when one is due, and when to try a missed one again."""
    return min(1.0, quarter_lease_seconds() / 2)


def _as_child(parent_pid: int, target: Callable[..., None], args: tuple[Any, ...]) -> None:
    settle_as_child(parent_pid)
    try:
        target(*args)
    except Exception:  # noqa: BLE001 - the end of a process: recorded here, replaced by the sentinel
        _log.exception("cluster_process_failed", target=target.__name__)
        raise SystemExit(FAILED) from None
