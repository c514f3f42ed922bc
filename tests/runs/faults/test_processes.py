"""A worker or a browser killed in the middle of a step."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from infra_shared.clock import utc_now
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.runs.faults.rig import Rig

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
HELD = "delay:600"
PICTURE_AND_HTML = {"step_picture", "step_html"}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _kill_the_worker_in_step_two(rig: Rig) -> tuple[str, datetime, list[psutil.Process]]:
    """A run whose worker was killed while its second step was held open: its id, when, and what stood below."""
    rig.strike(HELD)
    run_id = rig.ask("open-two-pages")
    rig.open_step(run_id, 2)
    wait_until(
        lambda: _kinds_of_step_one(rig, run_id) >= PICTURE_AND_HTML, what="evidence while step 2 is open"
    )
    worker = rig.worker_of(run_id)
    below = worker.children(recursive=True)
    assert below
    killed_at = utc_now()
    worker.kill()
    rig.strike()
    return run_id, killed_at, below


def _kinds_of_step_one(rig: Rig, run_id: str) -> set[str]:
    return {
        item["kind"] for item in rig.all_of(run_id, "artifacts") if (item["attempt"], item["step"]) == (1, 1)
    }


def _assert_the_next_attempt_was_in_time(rig: Rig) -> None:
    run_id, killed_at, below = _kill_the_worker_in_step_two(rig)

    run = rig.ended(run_id)

    first, second = rig.all_of(run_id, "attempts")
    assert run["state"] == "succeeded", run["failure"]
    assert first["state"] == "lost"
    assert first["failure"]["kind"] == "worker_lost"
    late = _moment(second["started_at"]) - killed_at
    assert late <= timedelta(seconds=rig.lease_seconds + 2)
    assert psutil.wait_procs(below, timeout=15)[1] == []


def test_a_killed_worker_is_followed_by_the_next_attempt_within_the_lease_and_two_seconds(
    broken: Rig,
) -> None:
    _assert_the_next_attempt_was_in_time(broken)


@pytest.mark.slow
def test_a_killed_worker_is_followed_in_time_under_the_default_lease(default_lease: Rig) -> None:
    _assert_the_next_attempt_was_in_time(default_lease)


def test_the_evidence_a_killed_worker_had_written_can_be_read(broken: Rig) -> None:
    run_id, _, _ = _kill_the_worker_in_step_two(broken)
    broken.ended(run_id)

    first, second = (step for step in broken.all_of(run_id, "steps") if step["attempt"] == 1)
    kept = [item for item in broken.all_of(run_id, "artifacts") if item["attempt"] == 1]

    assert (first["succeeded"], second["succeeded"]) == (True, None)
    assert _kinds_of_step_one(broken, run_id) >= PICTURE_AND_HTML
    for item in kept:
        content = broken.api.get(f"/artifacts/{item['id']}/content").raise_for_status().content
        assert len(content) == item["size_bytes"] > 0


def _log_parts(rig: Rig, run_id: str, attempt: int) -> list[list[dict[str, Any]]]:
    """The lines of each part of an attempt's log, as the API gives them."""
    parts = [item for item in rig.all_of(run_id, "artifacts") if item["kind"] == "log"]
    return [
        [json.loads(line) for line in rig.api.get(f"/artifacts/{part['id']}/content").text.splitlines()]
        for part in parts
        if part["attempt"] == attempt
    ]


@pytest.mark.slow
def test_the_log_of_a_worker_killed_between_two_parts_is_kept_up_to_the_first(broken: Rig) -> None:
    run_id = broken.ask("talk-on-and-on")
    wait_until(lambda: _log_parts(broken, run_id, 1), 60, what="the first part", poll_seconds=0.2)

    broken.worker_of(run_id).kill()
    wait_until(lambda: _log_parts(broken, run_id, 2), 60, what="the next attempt's log", poll_seconds=0.2)
    broken.api.post(f"/runs/{run_id}/cancel").raise_for_status()

    assert broken.ended(run_id)["state"] == "cancelled"
    assert [item["state"] for item in broken.all_of(run_id, "attempts")] == ["lost", "cancelled"]
    (kept,) = _log_parts(broken, run_id, 1)
    assert kept[0]["event"] == "attempt_claimed"
    numbers = [line["number"] for line in kept if line["event"] == "still_here"]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 20
    assert _log_parts(broken, run_id, 2)[-1][-1]["event"] == "attempt_result"


def test_a_killed_browser_is_a_browser_crash_and_tried_again_at_once(broken: Rig) -> None:
    broken.strike(HELD)
    run_id = broken.ask("open-two-pages")
    broken.open_step(run_id, 2)
    browser = broken.browser()

    for process in browser:
        process.kill()
    broken.strike()

    assert broken.ended(run_id)["state"] == "succeeded"
    first, second = broken.all_of(run_id, "attempts")
    assert (first["state"], first["failure"]["kind"]) == ("failed", "browser_crash")
    assert second["due_at"] == first["finished_at"]
    assert (first["counts"], second["counts"]) == (False, True)
    assert psutil.wait_procs(browser, timeout=15)[1] == []


@pytest.mark.slow
def test_a_worker_killed_while_it_holds_a_question_is_followed_by_one_that_asks_again(broken: Rig) -> None:
    run_id = broken.ask("hold-and-ask")
    _asked_by(broken, run_id, attempts=1)

    broken.worker_of(run_id).kill()
    _asked_by(broken, run_id, attempts=2)
    broken.api.post(f"/runs/{run_id}/input", json={"answer": {"code": "246810"}}).raise_for_status()

    assert broken.ended(run_id)["state"] == "succeeded"
    first, second = broken.all_of(run_id, "attempts")
    assert (first["state"], first["failure"]["kind"], second["state"]) == ("lost", "worker_lost", "succeeded")


def _asked_by(rig: Rig, run_id: str, *, attempts: int) -> None:
    """Wait until the run's newest of so many attempts asks."""
    wait_until(
        lambda: len(rig.all_of(run_id, "attempts")) == attempts, 60, what="the attempt", poll_seconds=0.2
    )
    wait_until(lambda: rig.run(run_id)["state"] == "waiting_input", 60, what="the question", poll_seconds=0.2)


def test_a_run_that_crashes_every_browser_ends_and_takes_no_other_along(broken: Rig) -> None:
    guilty = broken.ask("crash-the-browser")
    innocent = broken.ask("open-two-pages")

    assert broken.ended(guilty)["failure"]["kind"] == "browser_crash"
    counts = [attempt["counts"] for attempt in broken.all_of(guilty, "attempts")]
    assert counts == [False, False, True, True]
    assert broken.ended(innocent)["state"] == "succeeded"


def test_a_worker_killed_while_it_waits_costs_no_run(broken: Rig) -> None:
    first = broken.ask("open-two-pages")
    broken.ended(first)
    broken.worker_of(first).kill()

    runs = [broken.ask("open-two-pages") for _ in range(2)]

    assert [broken.ended(run)["state"] for run in runs] == ["succeeded", "succeeded"]
    assert [len(broken.all_of(run, "attempts")) for run in runs] == [1, 1]


def test_a_frozen_worker_is_killed_and_its_attempt_done_by_another(broken: Rig) -> None:
    broken.strike(HELD)
    run_id = broken.ask("open-two-pages")
    broken.open_step(run_id, 2)
    worker = broken.worker_of(run_id)
    below = worker.children(recursive=True)

    worker.suspend()
    broken.strike()

    assert broken.ended(run_id)["state"] == "succeeded"
    assert [attempt["state"] for attempt in broken.all_of(run_id, "attempts")] == ["lost", "succeeded"]
    assert psutil.wait_procs([worker, *below], timeout=60)[1] == []


def test_a_frozen_worker_of_a_cancelled_run_is_killed_and_the_run_is_cancelled(broken: Rig) -> None:
    broken.strike(HELD)
    run_id = broken.ask("open-two-pages")
    broken.open_step(run_id, 2)
    worker = broken.worker_of(run_id)
    below = worker.children(recursive=True)

    worker.suspend()
    broken.api.post(f"/runs/{run_id}/cancel").raise_for_status()
    broken.strike()

    assert broken.ended(run_id)["state"] == "cancelled"
    assert [attempt["state"] for attempt in broken.all_of(run_id, "attempts")] == ["cancelled"]
    assert psutil.wait_procs([worker, *below], timeout=60)[1] == []


def test_a_cancelled_run_keeps_what_it_saw_and_leaves_no_context(broken: Rig) -> None:
    broken.strike(HELD)
    run_id = broken.ask("open-two-pages")
    broken.open_step(run_id, 2)
    worker = broken.worker_of(run_id)

    broken.api.post(f"/runs/{run_id}/cancel").raise_for_status()

    assert broken.ended(run_id)["state"] == "cancelled"
    kinds = {item["kind"] for item in broken.all_of(run_id, "artifacts") if not item["missing_reason"]}
    assert kinds >= {*PICTURE_AND_HTML, "trace"}
    assert worker.is_running()


def _first_step_is_done(rig: Rig, run_id: str) -> bool:
    return any(step["succeeded"] for step in rig.all_of(run_id, "steps"))


def test_code_that_blocks_is_left_behind_after_the_grace_and_its_process_replaced(broken: Rig) -> None:
    run_id = broken.ask("block-for-long")
    wait_until(lambda: _first_step_is_done(broken, run_id), 60, what="the step before the block")
    worker = broken.worker_of(run_id)
    below = worker.children(recursive=True)

    broken.api.post(f"/runs/{run_id}/cancel").raise_for_status()

    assert broken.ended(run_id)["state"] == "cancelled"
    assert psutil.wait_procs([worker, *below], timeout=30)[1] == []
