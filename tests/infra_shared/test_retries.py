"""One retry policy: what it decides, how it waits, and that no other module tries again by hand."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from infra_shared.retries import (
    PERMANENT,
    RETRYABLE,
    Failure,
    RetryPolicy,
    call,
    call_async,
    next_pause,
)
from tests.support.retry_loops import found_in, loops_in

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

SECOND = timedelta(seconds=1)
POLICY = RetryPolicy(first_pause=SECOND, longest_pause=10 * SECOND, jitter=0)
_PACKAGES = ("automations", "benchmarks", "config", "infra_shared", "intake", "runs", "webgraph")
_PROCESS_LOOP = "the main loop of a process: it ticks for ever, and an outage only makes the next tick later"
_RACE = "a race for a unique row: nobody failed, the loser looks at once what the winner left"
_ALLOWED = {
    "benchmarks/_chaos/asking.py::run": "goes on to the next planned request, at its time",
    "config/local/processes.py::free_port": "tries the next port of a row, at once",
    "runs/dispatcher.py::run_dispatcher": _PROCESS_LOOP,
    "runs/cluster/node_row.py::_keep": _PROCESS_LOOP,
    "runs/cluster/pusher.py::push_tickets": _PROCESS_LOOP,
    "runs/cluster/spool_keeper.py::_keep": _PROCESS_LOOP,
    "runs/cluster/queues.py::get": "waits for a message in slices; none in time is no failure",
    "runs/services/guards.py::begin": _RACE,
    "runs/services/slots.py::_take_one": _RACE,
    "webgraph/evidence/document.py::html_of": "asks the document that took the other's place, at once",
    "webgraph/runner.py::run": "pumps reports until the end; no report in time is no failure",
    "webgraph/surface.py::whole": "looks at a document that arrives; there is none between two of them",
    "webgraph/vision/eyes.py::look": "the next provider takes over from one that is not installed",
    "webgraph/workers/dom_actor.py::_in_its_document": "finds again at once what the page replaced, within the step's time",
}


class Flaky:
    """Work that fails so many times before it is done."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        self.left -= 1
        if self.left >= 0:
            raise OSError(f"failure {self.calls}")
        return "done"


def _judge(error: BaseException) -> Failure:
    return RETRYABLE if isinstance(error, OSError) else PERMANENT


def test_pauses_double_up_to_the_longest():
    pauses = [POLICY.pause_after(failures, chance=0.5).total_seconds() for failures in range(1, 7)]

    assert pauses == [1, 2, 4, 8, 10, 10]


@given(
    failures=st.integers(1, 1000),
    jitter=st.floats(0, 1),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_jitter_only_shortens_a_pause_and_by_no_more_than_its_share(failures, jitter, chance):
    policy = RetryPolicy(first_pause=SECOND, longest_pause=60 * SECOND, jitter=jitter)
    ceiling = RetryPolicy(first_pause=SECOND, longest_pause=60 * SECOND, jitter=0).pause_after(
        failures, chance=0
    )

    pause = policy.pause_after(failures, chance=chance)

    assert ceiling * (1 - jitter) - timedelta(microseconds=1) <= pause <= ceiling


def test_full_jitter_reaches_from_nothing_to_the_ceiling():
    full = RetryPolicy(first_pause=SECOND, longest_pause=10 * SECOND)

    assert full.pause_after(3, chance=0) == timedelta(0)
    assert full.pause_after(3, chance=0.999) > 3.9 * SECOND


@pytest.mark.parametrize(
    ("failure", "attempts", "spent", "expected"),
    [
        (RETRYABLE, 1, 0, 1),
        (RETRYABLE, 2, 0, 2),
        (PERMANENT, 1, 0, None),
        (RETRYABLE, 5, 0, None),  # the attempts are used
        (Failure(retryable=True, not_before=7 * SECOND), 1, 0, 7),
        (Failure(retryable=True, not_before=70 * SECOND), 1, 0, None),  # asked for more than is left
        (RETRYABLE, 4, 57, 3),  # cut, for one last try
        (RETRYABLE, 1, 60, None),
    ],
)
def test_a_decision_heeds_kind_attempts_time_and_what_the_other_side_asked(
    failure, attempts, spent, expected
):
    policy = RetryPolicy(
        first_pause=SECOND, longest_pause=10 * SECOND, jitter=0, max_attempts=5, within=60 * SECOND
    )

    pause = next_pause(policy, failure, attempts=attempts, spent=spent * SECOND, chance=0.5)

    assert pause == (None if expected is None else expected * SECOND)


def test_a_call_waits_its_pauses_and_tells_what_it_waits_out():
    work = Flaky(3)
    slept: list[float] = []
    told: list[BaseException] = []

    assert call(work, policy=POLICY, judge=_judge, before_pause=told.append, sleep=slept.append) == "done"

    assert slept == [1, 2, 4]
    assert [str(error) for error in told] == ["failure 1", "failure 2", "failure 3"]


def test_a_call_raises_the_last_error_itself_when_the_time_is_over():
    work = Flaky(1000)
    slept: list[float] = []
    policy = RetryPolicy(first_pause=SECOND, longest_pause=10 * SECOND, jitter=0, within=12 * SECOND)

    with pytest.raises(OSError, match="failure 5"):
        call(work, policy=policy, judge=_judge, sleep=slept.append, monotonic=lambda: sum(slept))

    assert slept == [1, 2, 4, 5]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_what_the_judge_does_not_take_is_raised_at_once(error):
    def work() -> None:
        raise error

    with pytest.raises(type(error)):
        call(work, policy=POLICY, judge=_judge, sleep=_must_not_wait)


def test_a_call_on_the_event_loop_follows_the_same_policy():
    work = Flaky(2)
    slept: list[float] = []

    async def ask() -> str:
        return work()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def plainly() -> Awaitable[str]:  # what makes an awaitable need not be declared async
        return ask()

    assert asyncio.run(call_async(plainly, policy=POLICY, judge=_judge, sleep=sleep)) == "done"
    assert slept == [1, 2]


def test_a_cancelled_call_is_not_tried_again():
    async def ask() -> None:
        raise asyncio.CancelledError

    async def cancelled() -> bool:
        try:
            await call_async(ask, policy=POLICY, judge=_judge)
        except asyncio.CancelledError:
            return True
        return False

    assert asyncio.run(cancelled())


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_pause": 2 * SECOND, "longest_pause": SECOND},
        {"longest_pause": SECOND, "jitter": 1.5},
        {"longest_pause": SECOND, "max_attempts": 0},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"grow|share|at least once"):
        RetryPolicy(**wrong)


def test_no_module_has_a_retry_loop_written_by_hand():
    found = {place for file in _sources() for place in loops_in(file, settings.BASE_DIR)}

    assert found - set(_ALLOWED) == set(), "Use infra_shared.retries, or give the reason in _ALLOWED."
    assert set(_ALLOWED) - found == set(), "These are gone: take them out of _ALLOWED."


def test_no_other_module_turns_to_a_library_for_retries():
    library = re.compile(r"^\s*(?:from|import) (?:tenacity|stamina|backoff|retrying)\b", re.MULTILINE)

    users = [file.relative_to(settings.BASE_DIR) for file in _sources() if library.search(file.read_text())]

    assert [str(file) for file in users] == ["infra_shared/retries.py"]


@pytest.mark.parametrize(
    "source",
    [
        """
        while True:
            try:
                return ask()
            except OSError:
                sleep(1)
        """,
        """
        for attempt in range(5):
            try:
                result = ask()
                break
            except OSError:
                continue
        """,
        """
        while clock.monotonic() < until:
            try:
                answer = ask()
            except OSError as error:
                said = error
            else:
                return answer
            clock.sleep(pause)
        """,
        """
        for pause in (0.1, 1, 10):
            try:
                return ask()
            except OSError:
                said = "away"
        """,
        """
        for pause in _PAUSES:
            with suppress(OSError):
                return ask()
            clock.sleep(pause)
        """,
        """
        async for attempt, seconds in pauses:
            try:
                answer = await ask()
            except OSError:
                await asyncio.sleep(seconds)
        """,
        """
        done = False
        while not done:
            try:
                ask()
                done = True
            except OSError as error:
                failures.append(error)
        """,
        """
        while left:
            with contextlib.suppress(OSError):
                return ask()
            left -= 1
        """,
        """
        def ask_stubbornly(left):
            try:
                return ask()
            except OSError:
                return ask_stubbornly(left - 1)
        """,
        "pause *= 2",
        "delay = min(delay * 2, 60)",
        "wait(backoff * 2 ** attempt)",
        "pause = first_pause << tries",
    ],
)
def test_the_search_finds_a_retry_loop_in_any_of_its_forms(source):
    assert list(found_in(dedent(source), "made_up"))


@pytest.mark.parametrize(
    "source",
    [
        """
        for address in addresses:
            try:
                return connect(address)
            except OSError:
                continue
        """,
        """
        while not condition():
            sleep(0.1)
        """,
        """
        while pieces:
            with suppress(FileNotFoundError):
                pieces.pop().unlink()
        """,
        """
        def walk(node):
            for child in node:
                try:
                    walk(child)
                except OSError as error:
                    note(error)
        """,
        """
        while True:
            try:
                beat()
            except OSError:
                raise
            sleep(1)
        """,
        "width = half * 2",
    ],
)
def test_the_search_leaves_alternatives_polling_and_plain_sums_alone(source):
    assert not list(found_in(dedent(source), "made_up"))


def _sources() -> list[Path]:
    """Every module of the product and its benchmarks."""
    files = [file for package in _PACKAGES for file in sorted((settings.BASE_DIR / package).rglob("*.py"))]
    return [file for file in files if not {"migrations", "node_modules"} & set(file.parts)]


def _must_not_wait(seconds: float) -> None:
    pytest.fail(f"It waited {seconds} s.")
