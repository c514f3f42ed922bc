"""Whether batches can be verified, and the edge is as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.local.processes import free_port
from infra_shared.checkup import Level
from intake import doctor

if TYPE_CHECKING:
    from tests.support.worker import Worker

pytestmark = pytest.mark.django_db


def words(level: Level) -> str:
    """What is said of one level, all in one."""
    return " ".join(finding.words for finding in doctor.look() if finding.level is level)


def test_keys_that_sign_and_verify_are_well(edge) -> None:
    (finding,) = doctor.look()

    assert (finding.level, "edge-1" in finding.words) == (Level.OK, True)


def test_sources_without_a_key_fail(source, settings) -> None:
    settings.EDGE_KEYS = ()

    assert "EDGE_KEYS is empty" in words(Level.FAIL)


def test_one_key_for_both_ways_is_odd(edge, settings) -> None:
    settings.EDGE_CONTROL_KEYS = settings.EDGE_KEYS

    assert "EDGE_CONTROL_KEYS" in words(Level.WARN)


def test_the_worker_is_asked_for_its_state_and_its_clock(edge, worker: Worker) -> None:
    found = words(Level.OK)

    assert "The edge Worker 1.0.0 answers" in found
    assert "s behind the edge's" in words(Level.FAIL) or "s ahead of the edge's" in words(Level.FAIL)
    assert "3 dead letters" in words(Level.WARN)


def test_a_worker_that_does_not_know_the_key_fails(edge, worker: Worker, settings) -> None:
    settings.EDGE_CONTROL_KEYS = settings.EDGE_KEYS

    assert "does not know the key" in words(Level.FAIL)


def test_a_worker_that_is_away_fails(edge, settings) -> None:
    settings.EDGE_WORKER_URL = f"http://127.0.0.1:{free_port()}"

    assert "could not be reached" in words(Level.FAIL)


@pytest.mark.parametrize("answer", [b"[]", b'{"version": "1"}', b'{"now": "noon"}'])
def test_something_else_at_its_address_fails(edge, worker: Worker, answer) -> None:
    worker.breaks = (200, answer)

    assert "cannot be asked" in words(Level.FAIL)
