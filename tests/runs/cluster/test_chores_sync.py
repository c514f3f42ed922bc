from __future__ import annotations

import pytest
from django.utils.module_loading import import_string
from django_q.models import Schedule

from infra_shared.chores import Chore
from runs.cluster import chores_sync
from runs.cluster.chores_sync import declared_chores, sync_chores

pytestmark = pytest.mark.django_db


def declare(monkeypatch: pytest.MonkeyPatch, *chores: Chore) -> None:
    monkeypatch.setattr(chores_sync, "declared_chores", lambda: list(chores))


def test_every_declared_chore_names_a_function_that_exists():
    chores = declared_chores()

    assert {"spare-tick", "send-outbox"} <= {chore.name for chore in chores}
    assert len({chore.name for chore in chores}) == len(chores)
    assert all(callable(import_string(chore.path)) for chore in chores)


def test_a_second_sync_changes_nothing():
    sync_chores()
    before = list(Schedule.objects.order_by("pk").values())

    sync_chores()

    assert list(Schedule.objects.order_by("pk").values()) == before
    assert {row["cluster"] for row in before} == {"chores"}


def test_a_chore_that_is_declared_no_more_loses_its_row_and_a_double_is_removed(monkeypatch):
    declare(monkeypatch, Chore(name="sweep", path="a.b", every_minutes=1))
    Schedule.objects.create(name="old", func="x.y", cluster="chores")
    Schedule.objects.create(name="sweep", func="a.b", cluster="chores")
    Schedule.objects.create(name="sweep", func="a.b", cluster="chores")
    Schedule.objects.create(name="someone else's", func="x.y", cluster="other")

    sync_chores()

    assert sorted(Schedule.objects.values_list("name", flat=True)) == ["someone else's", "sweep"]


def test_a_chore_that_changed_is_rescheduled(monkeypatch):
    declare(monkeypatch, Chore(name="sweep", path="a.b", every_minutes=60))
    sync_chores()
    Schedule.objects.update(next_run="2099-01-01T00:00Z")
    declare(monkeypatch, Chore(name="sweep", path="a.b", every_minutes=1))

    sync_chores()

    row = Schedule.objects.get()
    assert (row.minutes, row.next_run.year) != (60, 2099)
