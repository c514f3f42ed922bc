"""What a dispatcher writes of itself, and who is told when none does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from infra_shared.database import database_now
from infra_shared.ids import uuid7
from infra_shared.models import Alert
from runs import tasks
from runs.dispatcher import SignOfLife, run_dispatcher
from runs.models import DispatcherProcess, Node
from runs.services.alert_rules import look_after_alerts
from runs.services.dispatchers import read_dispatchers, tell_tick
from runs.services.nodes import register_node, stop_node
from tests.support.metrics import measured

if TYPE_CHECKING:
    from uuid import UUID

    from django.test import Client

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=20)
LONG = timedelta(minutes=10)


@pytest.fixture
def node() -> Node:
    """A node that has lived for a while, and beats."""
    row = register_node(name="east-1", pid=1, queues=["default"], versions=[])
    Node.objects.update(started_at=database_now() - LONG)
    return row


def ticked(*, node: Node | None = None, ago: timedelta = timedelta(0)) -> UUID:
    """A dispatcher on the machine `west` that completed its last tick so long ago."""
    key = uuid7()
    tell_tick(dispatcher_id=key, node_id=None if node is None else node.pk, host_name="west", pid=7)
    DispatcherProcess.objects.filter(pk=key).update(ticked_at=database_now() - ago)
    return key


def states() -> list[str]:
    return [state for _, state in read_dispatchers(database_now())]


def times(count: int) -> Any:
    """A `stopping` that lets a dispatcher tick so often."""
    left = iter([False] * count)
    return lambda: next(left, True)


def test_a_dispatcher_writes_that_it_ticked_once_for_each_quarter_lease(node: Node) -> None:
    now = 0.0
    sign = SignOfLife(lease=LEASE, node_id=node.pk, monotonic=lambda: now)
    with CaptureQueriesContext(connection) as asked:
        for _ in range(80):  # four times a second, for the length of a lease
            sign.tell()
            now += 0.25

    written = [query["sql"].split()[0] for query in asked if "dispatcherprocess" in query["sql"]]
    assert written.count("INSERT") == 1
    assert written.count("UPDATE") == 4
    assert DispatcherProcess.objects.get().node == node


def test_a_dispatcher_whose_ticks_fail_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> int:
        raise OperationalError("database is locked")

    monkeypatch.setattr("runs.services.scheduling.fire_due_schedules", away)
    monkeypatch.setattr("runs.dispatcher.close_old_connections", lambda: None)  # it is the test's transaction

    run_dispatcher(stopping=times(3), sleep=lambda _: None)

    assert not DispatcherProcess.objects.exists()


def test_a_dispatcher_that_leaves_takes_its_row_along_and_one_that_dies_falls_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_dispatcher(stopping=times(1), sleep=lambda _: None)
    assert states() == []

    def killed(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_dispatcher(stopping=times(1), sleep=killed)
    assert states() == ["ticking"]
    DispatcherProcess.objects.update(ticked_at=database_now() - 4 * settings.LEASE)

    assert states() == ["silent"]


def test_the_next_dispatcher_of_a_node_takes_the_place_of_one_that_died(node: Node) -> None:
    ticked(node=node, ago=LONG)

    ticked(node=node)

    assert states() == ["ticking"]
    stop_node(node_id=node.pk)
    assert states() == []


def test_dispatchers_by_themselves_that_died_are_forgotten_after_an_hour() -> None:
    ticked(ago=timedelta(hours=2))
    ticked(ago=LONG)

    tasks.forget_old_nodes()

    assert states() == ["silent"]


def test_dispatchers_are_measured_ticking_or_silent_with_the_latest_tick(node: Node) -> None:
    none = measured()
    ticked(node=node, ago=timedelta(seconds=30))
    ticked(ago=LONG)

    found = measured()

    assert none["automation_dispatchers{state=ticking}"] == 0
    assert "automation_dispatchers_latest_tick_seconds" not in none
    assert found["automation_dispatchers{state=ticking}"] == 1
    assert found["automation_dispatchers{state=silent}"] == 1
    assert 30 <= found["automation_dispatchers_latest_tick_seconds"] < 130


def test_a_node_without_any_dispatcher_that_ticks_is_an_alert_until_one_does(node: Node) -> None:
    ticked(ago=LONG)
    for _ in range(2):
        look_after_alerts(sleep=lambda _: None)

    alert = Alert.objects.open().get()
    assert (alert.rule, alert.severity) == ("dispatcher", "critical")
    assert "on west 7" in alert.text

    ticked(node=node)
    look_after_alerts(sleep=lambda _: None)
    assert not Alert.objects.open().exists()


@pytest.mark.parametrize(
    "changes", [{"started_at": timedelta(0)}, {"heartbeat_at": LONG}], ids=["young", "gone"]
)
def test_only_a_node_that_lives_and_has_had_time_for_a_dispatcher_is_missed_one(
    node: Node, changes: dict[str, timedelta]
) -> None:
    now = database_now()
    Node.objects.update(**{name: now - ago for name, ago in changes.items()})

    look_after_alerts(sleep=lambda _: None)

    assert not Alert.objects.exists()


def test_a_dispatcher_that_is_back_at_the_second_look_is_no_alert(node: Node) -> None:
    looked: list[float] = []

    def pause(seconds: float) -> None:
        looked.append(seconds)
        ticked(node=node)

    look_after_alerts(sleep=pause)

    assert len(looked) == 1
    assert not Alert.objects.exists()


def test_the_console_says_which_dispatchers_tick_and_that_none_does(node: Node, console: Client) -> None:
    def shown(page: str = "") -> str:
        return console.get(f"/admin/runs/node/{page}").content.decode()

    assert "No dispatcher works" in shown()
    ticked(node=node)
    ticked()

    assert "No dispatcher works" not in shown()
    assert "Dispatchers by themselves: west 7 (ticking" in shown()
    assert "ticking" in shown(f"{node.pk}/change/")
