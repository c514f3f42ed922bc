"""The checks of `runs`: the browser, tickets, nodes, chores."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db.models import F
from django_q.models import Schedule as ChoreRow
from django_q.models import Task

from infra_shared.checkup import Level
from infra_shared.database import database_now
from infra_shared.ids import random_token, uuid7
from runs.cluster.chores_sync import sync_chores
from runs.doctor import browser, chores, nodes, tickets
from runs.models import Attempt, DispatcherProcess, Node
from runs.services.dispatchers import tell_tick
from runs.services.nodes import register_node, register_process
from tests.support import sample
from tests.support.schedules import make, put_behind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra_shared.checkup import Finding

HOUR = timedelta(hours=1)


def words(found: Iterable[Finding], level: Level) -> str:
    """What is said of one level, all in one."""
    return " ".join(finding.words for finding in found if finding.level is level)


@pytest.fixture
def node(db, settings) -> Node:
    """A node that just beat, with a process for each queue."""
    found = register_node(name="east-1", pid=1, queues=settings.WORKER_QUEUES, versions=[])
    for queue in settings.WORKER_QUEUES:
        register_process(node_id=found.pk, queue=queue, pid=2)
    tell_tick(dispatcher_id=uuid7(), node_id=found.pk, host_name="east", pid=3)
    return found


@pytest.mark.browser
def test_the_browser_is_started_weighed_and_ended(settings, browser_executable) -> None:
    settings.BROWSER_EXECUTABLE = browser_executable

    said = words(browser.look(), Level.OK)

    assert "rendered a page" in said
    assert "MB." in said


def test_a_browser_that_is_none_fails(settings) -> None:
    settings.BROWSER_EXECUTABLE = "/bin/false"

    assert "/bin/false" in words(browser.look(), Level.FAIL)


def test_a_folder_too_deep_for_the_browsers_socket_fails(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("x" * browser._LONGEST_TMPDIR)))

    assert "too long for a socket" in words(browser.look(), Level.FAIL)


def test_the_settings_of_every_queue_keep_tickets_away_from_attempts_at_work() -> None:
    (finding,) = tickets.look()

    assert finding.level is Level.OK


@pytest.mark.parametrize(("name", "value"), [("retry", 100), ("timeout", 60)])
def test_a_queue_whose_retry_or_timeout_is_too_short_fails(settings, name, value) -> None:
    queues = settings.Q_CLUSTER["ALT_CLUSTERS"]
    settings.Q_CLUSTER = {
        **settings.Q_CLUSTER,
        "ALT_CLUSTERS": {**queues, "default": {**queues["default"], name: value}},
    }

    assert f"Queue default: {name} {value} s" in words(tickets.look(), Level.FAIL)


def test_a_node_that_beats_is_well(node) -> None:
    assert {finding.level for finding in nodes.look()} == {Level.OK}


def test_without_a_node_runs_wait(db) -> None:
    assert "No node is alive" in words(nodes.look(), Level.FAIL)


def test_a_node_that_went_away_is_told(node) -> None:
    Node.objects.update(heartbeat_at=database_now() - HOUR)

    found = list(nodes.look())

    assert "No node is alive" in words(found, Level.FAIL)
    assert "east-1" in words(found, Level.WARN)


def test_a_queue_that_nobody_serves_fails(node, settings) -> None:
    settings.WORKER_QUEUES = [*settings.WORKER_QUEUES, "heavy"]

    assert "queue heavy" in words(nodes.look(), Level.FAIL)


@pytest.mark.parametrize(("silent", "told"), [(HOUR, "the last was east-1, at "), (None, "none is known")])
def test_without_a_dispatcher_that_ticks_it_fails_whether_or_not_anything_waits(node, silent, told) -> None:
    if silent is None:
        DispatcherProcess.objects.all().delete()
    else:
        DispatcherProcess.objects.update(ticked_at=database_now() - silent)

    assert f"No dispatcher completes its ticks: {told}" in words(nodes.look(), Level.FAIL)


def test_a_schedule_that_no_dispatcher_moves_fails(node, monkeypatch) -> None:
    sample.install(monkeypatch)
    put_behind(make(), minutes=5)

    assert "overdue" in words(nodes.look(), Level.FAIL)


def test_an_attempt_that_no_dispatcher_begins_fails(db, monkeypatch) -> None:
    version = sample.install(monkeypatch)
    sample.start_process(version)
    run = sample.ask()
    tell_tick(dispatcher_id=uuid7(), node_id=None, host_name="east", pid=3)
    assert words(nodes.look(), Level.FAIL) == ""

    Attempt.objects.filter(run=run).update(due_at=database_now() - HOUR)

    assert "a process of the queue default is free: no dispatcher moves it" in words(nodes.look(), Level.FAIL)


def test_chores_that_were_never_set_up_fail(db) -> None:
    assert "spare-tick" in words(chores.look(), Level.FAIL)


def test_chores_that_stand_still_fail(db) -> None:
    sync_chores()
    assert words(chores.look(), Level.FAIL) == ""

    ChoreRow.objects.filter(name="spare-tick").update(next_run=F("next_run") - HOUR)

    assert "late: spare-tick" in words(chores.look(), Level.FAIL)


def test_a_chore_that_failed_lately_is_told(db) -> None:
    sync_chores()
    now = database_now()
    Task.objects.create(
        id=random_token(16),
        name="x",
        func="runs.tasks.spare_tick",
        started=now,
        stopped=now,
        success=False,
    )

    assert "runs.tasks.spare_tick" in words(chores.look(), Level.WARN)
