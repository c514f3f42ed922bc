"""The private names of django-q2 that the hardened cluster relies on: this fails first after an upgrade."""

from __future__ import annotations

import importlib
import inspect
from importlib.metadata import version
from typing import Any

import pytest

NAMES = {
    "django_q.cluster": ("Cluster.sig_handler", "Cluster.start", "get_mp_context", "Sentinel.queue_name"),
    "django_q.conf": (
        "Conf.CLUSTER_NAME",
        "Conf.GUARD_CYCLE",
        "Conf.ORM",
        "Conf.POLL",
        "Conf.SCHEDULER",
        "Conf.RECYCLE",
    ),
    "django_q.brokers.orm": (
        "ORM.dequeue",
        "ORM.get_connection",
        "ORM.delete",
        "ORM.fail",
        "ORM.acknowledge",
    ),
    "django_q.models": ("OrmQ.lock", "OrmQ.key", "OrmQ.payload", "Schedule.MINUTES", "Failure.objects"),
    "django_q.monitor": ("monitor",),
    "django_q.queues": ("Queue.get",),
    "django_q.scheduler": ("scheduler",),
    "django_q.signing": ("SignedPackage.loads", "BadSignature"),
    "django_q.worker": ("worker",),
}
PARAMETERS = {
    "django_q.cluster:Cluster.__init__": ["self", "broker"],
    "django_q.cluster:Sentinel.__init__": [
        "self",
        "stop_event",
        "start_event",
        "cluster_id",
        "broker",
        "timeout",
        "start",
    ],
    "django_q.worker:worker": ["task_queue", "result_queue", "timer", "timeout"],
    "django_q.monitor:monitor": ["result_queue", "broker"],
    "django_q.scheduler:scheduler": ["broker"],
}
# What the subclasses replace, and what the code they keep reads of them.
SOURCES = {
    "django_q.cluster:Sentinel.__init__": ("self.parent_pid", "self.pid =", "self.timeout", "self.pool = []"),
    "django_q.worker:worker": (
        'iter(task_queue.get, "STOP")',
        "timer.value",
        "timer.get_lock()",
        "result_queue.put(task)",
    ),
    "django_q.monitor:monitor": ('iter(result_queue.get, "STOP")', "broker.acknowledge(ack_id)"),
    "django_q.pusher:pusher": ('task["cluster"]', 'task["ack_id"]', "SignedPackage.loads(task[1])"),
}


def resolve(path: str) -> Any:
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        assert hasattr(found, part), (
            f"django-q2 {version('django-q2')} has no {path}: read runs/cluster before upgrading."
        )
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("path", [f"{module}:{name}" for module, names in NAMES.items() for name in names])
def test_each_private_name_the_cluster_relies_on_is_still_there(path):
    resolve(path)


@pytest.mark.parametrize(("path", "expected"), PARAMETERS.items())
def test_functions_that_are_called_or_replaced_still_take_the_same_parameters(path, expected):
    found = resolve(path)

    assert list(inspect.signature(found).parameters) == expected, (
        f"{path} changed: read runs/cluster before upgrading."
    )


@pytest.mark.parametrize(("path", "fragments"), SOURCES.items())
def test_the_loops_that_are_kept_or_replaced_still_work_as_they_were_read(path, fragments):
    source = inspect.getsource(resolve(path))

    missing = [fragment for fragment in fragments if fragment not in source]

    assert not missing, f"{path} changed ({missing}): read runs/cluster before upgrading."
