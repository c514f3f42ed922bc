from __future__ import annotations

import multiprocessing
import os
import queue
from contextlib import ExitStack

import pytest

from runs.cluster.queues import MAX_MESSAGE_BYTES, STOP, MessageTooLargeError, PacketQueue, PlainQueue
from runs.cluster.shared import BusyTimer, Flag
from tests.support.waiting import wait_until

FORK = multiprocessing.get_context("fork")
KINDS = pytest.mark.parametrize("kind", [PacketQueue, PlainQueue])


@pytest.fixture
def make():
    """Make queues that are closed with the test."""
    with ExitStack() as stack:

        def make_one(kind=PacketQueue, **options):
            made = kind(**options)
            stack.callback(made.join_thread)
            stack.callback(made.close)
            return made

        yield make_one


def copy_all(source, target):
    for message in iter(source.get, STOP):
        target.put((os.getpid(), message))


@KINDS
def test_each_message_reaches_exactly_one_of_many_readers(kind, make):
    source, target = make(kind), make(kind)
    readers = [FORK.Process(target=copy_all, args=(source, target), daemon=True) for _ in range(3)]
    for reader in readers:
        reader.start()

    for number in range(300):
        source.put(number)
    seen = [target.get(timeout=10)[1] for _ in range(300)]
    for _ in readers:
        source.put(STOP)

    assert sorted(seen) == list(range(300))
    for reader in readers:
        reader.join(10)
        assert reader.exitcode == 0


def test_a_reader_killed_while_it_waits_stops_nobody_else(make):
    source, target = make(), make()
    readers = [FORK.Process(target=copy_all, args=(source, target), daemon=True) for _ in range(2)]
    for reader in readers:
        reader.start()
        source.put("awake?")
        target.get(timeout=10)

    readers[0].kill()
    readers[0].join(10)
    for number in range(50):
        source.put(number)

    assert {target.get(timeout=10) for _ in range(50)} == {(readers[1].pid, number) for number in range(50)}
    source.put(STOP)
    readers[1].join(10)


def test_a_message_too_large_for_the_socket_is_refused_with_its_size(make):
    packets = make()

    packets.put(b"x" * (MAX_MESSAGE_BYTES - 1000))
    with pytest.raises(MessageTooLargeError, match="larger than a queue carries"):
        packets.put(b"x" * MAX_MESSAGE_BYTES)

    assert len(packets.get(timeout=1)) == MAX_MESSAGE_BYTES - 1000


@KINDS
def test_the_hook_is_called_while_a_reader_waits(kind, make):
    calls = []
    waiting = make(kind)
    waiting.while_waiting(lambda: calls.append(os.getpid()), every_seconds=0.05)

    with pytest.raises(queue.Empty):
        waiting.get(timeout=0.5)

    assert len(calls) >= 3
    assert set(calls) == {os.getpid()}


@KINDS
def test_a_closing_queue_says_stop_and_leaves_its_messages_for_whoever_gives_them_back(kind, make):
    closing = Flag()
    packets = make(kind, closing=closing)
    packets.put("ticket")
    wait_until(lambda: not packets.empty())

    closing.set()

    assert packets.get() == STOP
    assert wait_until(lambda: list(packets.unread())) == ["ticket"]


def test_one_at_a_time_means_the_next_message_waits_until_the_last_was_taken(make):
    packets = make(one_at_a_time=True)
    packets.put(1)

    with pytest.raises(queue.Full):
        packets.put(2, block=False)
    assert packets.full()
    assert packets.qsize() == 1

    assert packets.get() == 1
    packets.put(2, block=False)
    assert packets.get() == 2
    assert packets.empty()


def test_a_flag_raised_in_a_child_is_seen_here_for_good():
    flag = Flag()
    assert not flag.wait(0)

    child = FORK.Process(target=flag.set)
    child.start()
    child.join(10)

    assert flag.wait(10)
    assert flag.is_set()


def test_a_timer_counts_down_by_itself_and_keeps_marks():
    timer = BusyTimer()
    assert timer.value == -1

    timer.value = 100
    timer.value += 3
    assert 102 < timer.value <= 103

    timer.value = 0.01
    wait_until(lambda: timer.value == 0)
    timer.value = -2
    assert timer.value == -2


@KINDS
def test_a_reader_that_is_leaving_leaves_the_next_message_to_others(kind, make):
    source = make(kind)
    source.put("for others")

    source.stop_when(lambda: True)

    assert source.get() == STOP
    wait_until(lambda: list(source.unread()) == ["for others"])
