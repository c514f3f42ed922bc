from __future__ import annotations

import socket
import subprocess
import sys

from runs.cluster.beats import BeatSender, received
from runs.cluster.watchdog import ASLEEP_SECONDS, FIRST_BEAT_SECONDS, NODE, SILENCE_SECONDS, Watch

SENTINEL = "cluster-default:1"


def test_a_sentinel_that_falls_silent_is_named():
    watch = Watch(0)
    watch.hear(NODE, [SENTINEL], 0)
    watch.hear(SENTINEL, [], 1)

    watch.hear(NODE, [SENTINEL], SILENCE_SECONDS)

    assert watch.silent(SILENCE_SECONDS + 1) == []
    assert watch.silent(SILENCE_SECONDS + 1.1) == [SENTINEL]


def test_a_sentinel_that_starts_has_more_time():
    watch = Watch(0)

    watch.hear(NODE, [SENTINEL], 0)
    watch.hear(NODE, [SENTINEL], FIRST_BEAT_SECONDS)

    assert watch.silent(FIRST_BEAT_SECONDS) == []
    assert watch.silent(FIRST_BEAT_SECONDS + 0.1) == [SENTINEL]


def test_a_cluster_that_is_gone_is_not_expected_any_more():
    watch = Watch(0)
    watch.hear(NODE, [SENTINEL], 0)
    watch.hear(SENTINEL, [], 1)

    watch.hear(NODE, [], 2)
    watch.hear(NODE, ["cluster-default:2"], 3)

    assert watch.silent(3 + SILENCE_SECONDS) == []


def test_a_silent_outermost_process_is_noticed():
    watch = Watch(0)
    watch.hear(NODE, [], 0)

    assert watch.silent(SILENCE_SECONDS + 0.1) == [NODE]


def test_nobody_is_blamed_for_the_time_the_machine_stood_still():
    watch = Watch(0)
    watch.hear(NODE, [SENTINEL], 0)
    watch.hear(SENTINEL, [], 0)

    watch.forgive(1000)

    assert watch.silent(1000 + ASLEEP_SECONDS) == []
    assert watch.silent(1001 + SILENCE_SECONDS) == [SENTINEL, NODE]


def test_a_beat_never_waits_for_a_watchdog_that_is_away():
    listener, speaker = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with listener:
        beat = BeatSender(NODE, speaker.detach())

        for _ in range(10_000):
            beat.send(SENTINEL)
        beat.close()

        assert next(iter(received(listener))) == [NODE, SENTINEL]


def test_the_watchdog_needs_no_django():
    code = "import sys, runs.cluster.watchdog; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
