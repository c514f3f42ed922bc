"""The log of an attempt: what is kept of it, when it is stored, and that it holds no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra_shared.redaction import MASK, Redactor
from runs import attempt_log
from runs.attempt_log import AttemptLog

if TYPE_CHECKING:
    import pytest

    from webgraph.recorder import Evidence


def lines_of(part: Evidence | None) -> list[dict[str, Any]]:
    assert part is not None
    return [json.loads(line) for line in part.body.splitlines()]


def test_a_part_holds_what_was_said_since_the_one_before():
    log = AttemptLog()
    log.take({"event": "one", "run_id": "r", "attempt": 1, "step": 3})
    first = log.next_part(Redactor(()))
    log.take({"event": "two"})

    assert lines_of(first) == [{"event": "one", "step": 3}]
    assert lines_of(log.next_part(Redactor(()))) == [{"event": "two"}]
    assert log.next_part(Redactor(())) is None


def test_of_too_many_lines_the_first_and_the_last_are_kept_and_the_others_counted():
    log = AttemptLog()
    for number in range(attempt_log.FIRST_LINES + attempt_log.LAST_LINES + 25):
        log.take({"event": "said", "number": number})

    part = log.next_part(Redactor(()))

    lines = lines_of(part)
    said = [line["number"] for line in lines if "number" in line]
    assert said[: attempt_log.FIRST_LINES] == list(range(attempt_log.FIRST_LINES))
    assert said[-1] == attempt_log.FIRST_LINES + attempt_log.LAST_LINES + 24
    assert [line["lines"] for line in lines if line["event"] == attempt_log.LEFT_OUT] == [25]
    assert part is not None
    assert part.meta == {"lines": attempt_log.FIRST_LINES + attempt_log.LAST_LINES, "left_out": 25}


def test_long_lines_are_cut_and_the_bytes_of_a_part_are_bounded():
    log = AttemptLog()
    for number in range(400):
        log.take({"event": "said", "number": number, "text": "x" * 7_000})
    log.take({"event": "broke", "exception": "y" * 100_000 + "the reason", "level": "error"})

    part = log.next_part(Redactor(()))

    last = lines_of(part)[-1]
    assert part is not None
    assert len(part.body) <= attempt_log.FIRST_BYTES + attempt_log.LAST_BYTES + 200
    assert (last["event"], last["level"], last["cut"]) == ("broke", "error", True)
    assert last["exception"].endswith("the reason")


def test_a_secret_that_was_learned_later_is_taken_out_of_what_was_said_before():
    log, redactor = AttemptLog(), Redactor(())
    log.take({"event": "the code is 4711-0815"})

    redactor.learn(["4711-0815"])

    assert lines_of(log.next_part(redactor)) == [{"event": f"the code is {MASK}"}]


def test_a_part_is_due_after_ten_seconds_later_after_an_eighth_of_the_time(monkeypatch: pytest.MonkeyPatch):
    at = {"seconds": 1_000.0}
    monkeypatch.setattr("infra_shared.clock.monotonic", lambda: at["seconds"])
    log = AttemptLog()

    def due_at(seconds: float) -> bool:
        at["seconds"] = seconds
        return log.is_due

    log.take({"event": "said"})
    assert (due_at(1_009), due_at(1_010), due_at(1_800)) == (False, True, True)
    log.next_part(Redactor(()))
    assert not due_at(1_900)  # nothing was said
    log.take({"event": "said"})
    assert (due_at(1_899), due_at(1_900)) == (False, True)
