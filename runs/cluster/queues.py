"""The queues between a sentinel's processes: the kernel hands each whole message to one reader.

django-q2's own queue takes a semaphore around each read; a worker killed while it waits there with the semaphore in
hand stops the whole cluster. Here nothing is held while waiting.
"""

from __future__ import annotations

import contextlib
import fcntl
import pickle
import queue
import socket
import sys
import termios
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

import django_q.queues

from infra_shared.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runs.cluster.shared import Flag

STOP = "STOP"
"""What django-q2's loops take for the end."""
MAX_MESSAGE_BYTES = 128 * 1024
_BUFFER_BYTES = 2 * MAX_MESSAGE_BYTES
_ROOM_POLL_SECONDS = 0.05
_HAS_PACKETS = sys.platform == "linux"


class MessageTooLargeError(ValueError):
    """A task or a result does not fit into one message."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            f"A message of {size_bytes} bytes is larger than a queue carries ({MAX_MESSAGE_BYTES}). Pass a key and "
            "keep the content in the database."
        )
        self.size_bytes = size_bytes


class Waiting:
    """What a reader does while it waits: calls `hook` every `seconds`, in the thread that waits."""

    def __init__(self, hook: Callable[[], object] | None = None, seconds: float = 0.0) -> None:
        self._hook = hook
        self._seconds = seconds
        self._next = monotonic()

    def seconds_left(self) -> float | None:
        """Seconds until the hook is due, after calling it if it is; None without a hook."""
        if self._hook is None:
            return None
        if monotonic() >= self._next:
            self._hook()
            self._next = monotonic() + self._seconds
        return self._next - monotonic()


class PacketQueue:
    """A queue over a pair of AF_UNIX sockets that keep message boundaries, for processes forked after it was made.

    With `one_at_a_time`, `put` waits until the message before was taken. Once `closing` is raised, `get` returns
    STOP and leaves what is in the queue unread (see `unread`).
    """

    def __init__(self, *, one_at_a_time: bool = False, closing: Flag | None = None) -> None:
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        self._one_at_a_time = one_at_a_time
        self._closing = closing
        self._is_over: Callable[[], bool] = closing.is_set if closing is not None else _never
        self._waiting = Waiting()

    def while_waiting(self, hook: Callable[[], object], *, every_seconds: float) -> None:
        """From now on call `hook` every so often while `get` waits in this process, first when it next waits."""
        self._waiting = Waiting(hook, every_seconds)

    def stop_when(self, leaving: Callable[[], bool]) -> None:
        """From now on `get` returns STOP in this process also when `leaving` says so; asked before each message."""
        closing = self._is_over
        self._is_over = lambda: leaving() or closing()

    def put(self, message: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - the signature of queue.Queue
        """Send a message; raises queue.Full when there is no room (in time), MessageTooLargeError beyond the limit."""
        packet = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        if len(packet) > MAX_MESSAGE_BYTES:
            raise MessageTooLargeError(len(packet))
        deadline = _deadline(block=block, timeout=timeout)
        while not self._send(packet):
            if monotonic() >= deadline:
                raise queue.Full
            # Polled: the kernel says when a buffer has room, not when it is empty. Only a backlog comes here.
            wait([], min(_ROOM_POLL_SECONDS, deadline - monotonic()))

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 - the signature of queue.Queue
        """Take the next message, or STOP once the queue is closing; raises queue.Empty when none came (in time)."""
        deadline = _deadline(block=block, timeout=timeout)
        while True:
            if self._is_over():
                return STOP
            packet = self._receive()
            if packet is not None:
                return pickle.loads(packet)  # noqa: S301 - written by this process's own tree
            if monotonic() >= deadline:
                raise queue.Empty
            self._await_packet(deadline)

    def unread(self) -> Iterator[Any]:
        """Take what is in the queue now, also when it is closing."""
        while (packet := self._receive()) is not None:
            yield pickle.loads(packet)  # noqa: S301 - written by this process's own tree

    def empty(self) -> bool:
        """Whether no message waits to be taken."""
        size = fcntl.ioctl(self._reader, termios.FIONREAD, bytes(4))
        return int.from_bytes(size, sys.byteorder) == 0

    def qsize(self) -> int:
        """0 when the queue is empty; else 1, a lower bound: the kernel counts bytes, not messages."""
        return 0 if self.empty() else 1

    def full(self) -> bool:
        """Whether `put` would wait for the message before."""
        return self._one_at_a_time and not self.empty()

    def close(self) -> None:
        """Close this process's ends."""
        self._reader.close()
        self._writer.close()

    def join_thread(self) -> None:
        """Nothing: messages are with the kernel when `put` returns."""

    def _send(self, packet: bytes) -> bool:
        if self.full():
            return False
        with contextlib.suppress(BlockingIOError):
            self._writer.send(packet, socket.MSG_DONTWAIT)
            return True
        return False

    def _receive(self) -> bytes | None:
        with contextlib.suppress(BlockingIOError):  # another reader took it
            return self._reader.recv(MAX_MESSAGE_BYTES, socket.MSG_DONTWAIT)
        return None

    def _await_packet(self, deadline: float) -> None:
        limits = [deadline - monotonic(), self._waiting.seconds_left()]
        seconds = min(limit for limit in limits if limit is not None)
        ends = [self._reader.fileno()] + ([] if self._closing is None else [self._closing.fileno()])
        wait(ends, None if seconds == float("inf") else max(seconds, 0.0))


class PlainQueue(django_q.queues.Queue):
    """django-q2's own queue with the same additions, for systems whose sockets keep no message boundaries (macOS)."""

    def __init__(self, *, one_at_a_time: bool = False, closing: Flag | None = None) -> None:
        super().__init__(maxsize=1 if one_at_a_time else 0)
        self._is_over: Callable[[], bool] = closing.is_set if closing is not None else _never
        self._hook = Waiting()

    def while_waiting(self, hook: Callable[[], object], *, every_seconds: float) -> None:
        """From now on call `hook` every so often while `get` waits in this process."""
        self._hook = Waiting(hook, every_seconds)

    def stop_when(self, leaving: Callable[[], bool]) -> None:
        """From now on `get` returns STOP in this process also when `leaving` says so; asked before each message."""
        closing = self._is_over
        self._is_over = lambda: leaving() or closing()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 - the signature of queue.Queue
        """Take the next message, or STOP once the queue is closing; raises queue.Empty when none came (in time)."""
        deadline = _deadline(block=block, timeout=timeout)
        while True:
            if self._is_over():
                return STOP
            left = max(deadline - monotonic(), 0.0)
            with contextlib.suppress(queue.Empty):
                return super().get(timeout=min(left, self._hook.seconds_left() or 1.0, 1.0))
            if monotonic() >= deadline:
                raise queue.Empty

    def unread(self) -> Iterator[Any]:
        """Take what is in the queue now, also when it is closing."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield super().get(block=False)


def make_queue(*, one_at_a_time: bool = False, closing: Flag | None = None) -> PacketQueue | PlainQueue:
    """The queue for this system."""
    kind = PacketQueue if _HAS_PACKETS else PlainQueue
    return kind(one_at_a_time=one_at_a_time, closing=closing)


def _never() -> bool:
    return False


def _deadline(*, block: bool, timeout: float | None) -> float:
    if not block:
        return 0.0
    return float("inf") if timeout is None else monotonic() + timeout
