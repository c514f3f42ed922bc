from __future__ import annotations

import signal

import psutil
import pytest
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from runs.cluster.watchdog import STALLED
from runs.models import DispatcherProcess, Node, WorkerProcess
from runs.services.draining import ask_to_drain
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
BARE = ("--no-chores", "--no-dispatcher", "--processes=1")


@pytest.fixture
def put(tmp_path):
    """Put a small task on the node's queue; returns the path of what it leaves."""

    def put_task(kind, name):
        path = f"tests.runs.cluster.small_tasks.{kind}"
        async_task(path, str(tmp_path), name, q_options={"cluster": "default"})
        return tmp_path / (f"{name}.began" if kind == "hold" else name)

    return put_task


def test_a_node_serves_its_queue_says_who_is_free_and_leaves_when_asked(start_node, put):
    node = start_node("--processes=2")
    wait_until(lambda: WorkerProcess.objects.free(timezone.now()).count() == 2, READY_SECONDS)
    wait_until(put("note", "done").exists, READY_SECONDS)
    wait_until(lambda: node.cluster("chores"), READY_SECONDS)
    wait_until(DispatcherProcess.objects.filter(node=Node.objects.get()).exists, READY_SECONDS)
    tree = node.tree()

    node.signal(signal.SIGTERM)

    assert node.wait_for_end(20) == 0
    assert [process for process in tree if process.is_running()] == []
    assert Node.objects.get().stopped_at
    assert not WorkerProcess.objects.exists()
    assert not DispatcherProcess.objects.exists()
    assert not OrmQ.objects.filter(key="default").exists()


def test_a_node_that_drains_ends_what_runs_and_gives_back_what_did_not_begin(start_node, put, tmp_path):
    node = start_node(*BARE)
    wait_until(put("hold", "first").exists, READY_SECONDS)
    put("note", "second")
    wait_until(lambda: OrmQ.objects.filter(lock__gt=timezone.now()).count() == 2)

    node.signal(signal.SIGTERM)
    wait_until(lambda: Node.objects.get().draining_since)
    wait_until(lambda: OrmQ.objects.filter(lock__lte=timezone.now()).count() == 1)
    (tmp_path / "release").touch()

    assert node.wait_for_end(20) == 0
    assert (tmp_path / "first").exists()
    assert not (tmp_path / "second").exists()
    assert OrmQ.objects.count() == 1


def test_a_second_signal_ends_everything_at_once(start_node, put, tmp_path):
    node = start_node(*BARE)
    wait_until(put("hold", "first").exists, READY_SECONDS)
    tree = node.tree()

    node.signal(signal.SIGINT)
    wait_until(lambda: Node.objects.get().draining_since)
    node.signal(signal.SIGINT)

    assert node.wait_for_end(20) == 1
    psutil.wait_procs(tree, timeout=5)
    assert [process for process in tree if process.is_running()] == []
    assert not (tmp_path / "first").exists()


@pytest.mark.parametrize(
    "role",
    ["default/main", "default/sentinel", "default/worker-0", "default/monitor", "default/pusher", "watchdog"],
)
def test_a_killed_process_is_replaced_and_takes_along_what_stood_below_it(start_node, put, role):
    node = start_node(*BARE)
    wait_until(put("note", "before").exists, READY_SECONDS)
    wait_until(
        lambda: not OrmQ.objects.exists()
    )  # a ticket whose monitor died is redelivered only hours later
    victim = node.find(role)
    family = [victim, *victim.children(recursive=True)]

    victim.kill()

    assert psutil.wait_procs(family, timeout=10)[1] == []
    wait_until(put("note", "after").exists, READY_SECONDS)
    assert node.find(role).pid != victim.pid
    wait_until(lambda: not OrmQ.objects.exists())


def test_nothing_outlives_a_killed_outermost_process(start_node, put):
    node = start_node(*BARE)
    wait_until(put("note", "before").exists, READY_SECONDS)
    tree = node.tree()

    node.outermost.kill()

    assert psutil.wait_procs(tree[1:], timeout=10)[1] == []


@pytest.mark.slow
def test_a_sentinel_that_hangs_makes_the_whole_node_end_with_70(start_node, put):
    node = start_node(*BARE)
    wait_until(put("note", "before").exists, READY_SECONDS)
    tree = node.tree()

    node.find("default/sentinel").suspend()

    assert node.wait_for_end(40) == STALLED
    assert psutil.wait_procs(tree[1:], timeout=5)[1] == []


@pytest.mark.slow
def test_a_hung_outermost_process_is_killed_with_everything_below_it(start_node, put):
    node = start_node(*BARE)
    wait_until(put("note", "before").exists, READY_SECONDS)
    tree = node.tree()

    node.outermost.suspend()

    assert node.wait_for_end(40) == -signal.SIGKILL
    assert psutil.wait_procs(tree[1:], timeout=5)[1] == []


def test_an_idle_worker_process_that_was_stopped_is_replaced(start_node, put):
    node = start_node(*BARE, LEASE_SECONDS="4")
    wait_until(put("note", "before").exists, READY_SECONDS)
    stopped = node.find("default/worker-0")

    stopped.suspend()

    assert psutil.wait_procs([stopped], timeout=60)[1] == []
    wait_until(put("note", "after").exists, READY_SECONDS)
    wait_until(lambda: not WorkerProcess.objects.filter(pid=stopped.pid).exists())


def test_a_node_that_an_operator_drains_ends_what_runs_and_leaves_by_itself(start_node, put, tmp_path):
    node = start_node(*BARE, LEASE_SECONDS="4")
    wait_until(put("hold", "first").exists, READY_SECONDS)

    ask_to_drain(node=Node.objects.get(), actor="operator:anna")
    (tmp_path / "release").touch()

    assert node.wait_for_end(30) == 0
    assert (tmp_path / "first").exists()
    assert Node.objects.get().stopped_at
