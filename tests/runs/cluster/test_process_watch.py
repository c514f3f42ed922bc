"""When a node ends its own worker processes, and when it does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runs.cluster import process_watch
from runs.cluster.process_watch import ProcessWatch
from runs.models import WorkerProcess
from runs.services import nodes, outcomes
from tests.support import sample

pytestmark = pytest.mark.django_db


class Watched:
    """A watch over one process, on a clock of its own; `killed` are the numbers of those it ended."""

    def __init__(self, process: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.killed = 0.0, list[int]()
        monkeypatch.setattr(process_watch, "kill_tree", self.killed.append)
        monkeypatch.setattr(ProcessWatch, "_is_ours", lambda _self, _pid: True)
        self.watch = ProcessWatch(process.node_id, outermost_pid=1, monotonic=lambda: self.now)

    def look_after(self, seconds: float) -> None:
        """Let time go by, and look."""
        self.now += seconds
        self.watch.look()


@pytest.fixture
def process(settings, monkeypatch):
    settings.LEASE = timedelta(seconds=20)
    return sample.start_process(sample.install(monkeypatch), pid=4711)


def test_a_silent_process_is_killed_after_half_a_lease_of_looking(process, monkeypatch):
    watched = Watched(process, monkeypatch)
    sample.silence(process.pk)

    for _ in range(2):
        watched.look_after(5)
    assert watched.killed == []
    watched.look_after(5)

    assert watched.killed == [4711]
    assert not WorkerProcess.objects.exists()


def test_who_beats_again_is_let_be(process, monkeypatch):
    watched = Watched(process, monkeypatch)
    sample.silence(process.pk)
    watched.look_after(5)

    nodes.beat_process(process_id=process.pk)
    watched.look_after(5)
    sample.silence(process.pk)
    watched.look_after(5)
    watched.look_after(5)

    assert watched.killed == []


def test_after_an_outage_of_the_database_looking_begins_anew(process, monkeypatch):
    watched = Watched(process, monkeypatch)
    sample.silence(process.pk)
    watched.look_after(5)
    watched.look_after(5)

    watched.watch.begin_anew()
    watched.look_after(60)

    assert watched.killed == []


def test_a_number_that_a_fresh_process_has_by_now_is_not_killed(process, monkeypatch):
    watched = Watched(process, monkeypatch)
    sample.silence(process.pk)
    nodes.register_process(node_id=process.node_id, queue="default", pid=4711)

    for _ in range(4):
        watched.look_after(5)

    assert watched.killed == []


def test_a_process_that_holds_on_to_an_attempt_that_was_taken_from_it_is_killed(settings, monkeypatch):
    run, claim = sample.claimed_run(sample.install(monkeypatch))
    holder = WorkerProcess.objects.get(current_attempt=claim.attempt)
    watched = Watched(holder, monkeypatch)
    assert outcomes.reap_overdue(attempt=run.attempts.get(), actor="dispatcher")
    settings.STOP_GRACE = -timedelta(hours=1)  # as if its grace had long passed

    for _ in range(3):
        nodes.beat_process(process_id=holder.pk)
        watched.look_after(settings.LEASE.total_seconds() / 4)

    assert watched.killed == [holder.pid]
    assert not WorkerProcess.objects.exists()
