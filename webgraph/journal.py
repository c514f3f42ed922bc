"""Carries what an attempt reports from the browser's loop to the thread that called, in order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from webgraph.errors import AttemptStopped, WebGraphError

if TYPE_CHECKING:
    from collections.abc import Callable

    from webgraph.recorder import (
        Evidence,
        EvidenceGap,
        LogLine,
        Question,
        Recorder,
        Resumed,
        StageAnswer,
        StageEnd,
        StageStart,
        StepIntent,
        StepOutcome,
    )


@dataclass(frozen=True, slots=True)
class Report:
    """One call for the recorder; `answer` is what the attempt waits for, if it waits."""

    method: str | Callable[[Any], Any]
    """The recorder's method by its name; or a function of somebody else's that belongs to the same thread."""
    item: Any
    answer: asyncio.Future[Any] | None = None


class Journal:
    """The attempt's side writes, the calling thread reads. Neither polls."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Report | None] = SimpleQueue()
        self._refusing = False

    async def stage_started(self, item: StageStart) -> StageAnswer:
        """Report, wait until it is kept, and return what the recorder answers."""
        answer: StageAnswer = await self._ask("stage_started", item)
        return answer

    async def stage_finished(self, item: StageEnd) -> None:
        """Report and wait until it is kept."""
        await self._ask("stage_finished", item)

    async def step_started(self, item: StepIntent) -> None:
        """Report and wait until it is kept."""
        await self._ask("step_started", item)

    async def asked(self, item: Question) -> dict[str, Any] | None:
        """Report and return the answer, None while there is none."""
        answer: dict[str, Any] | None = await self._ask("asked", item)
        return answer

    async def call(self, function: Callable[[Any], Any], item: Any) -> Any:
        """What a function returns that is called by the thread that reads here, as it may use a database."""
        return await self._ask(function, item)

    def resumed(self, item: Resumed) -> None:
        """Report without waiting."""
        self._queue.put(Report("resumed", item))

    def step_finished(self, item: StepOutcome) -> None:
        """Report without waiting."""
        self._queue.put(Report("step_finished", item))

    def evidence(self, item: Evidence) -> None:
        """Report without waiting."""
        self._queue.put(Report("evidence", item))

    def gap(self, item: EvidenceGap) -> None:
        """Report without waiting."""
        self._queue.put(Report("gap", item))

    def logged(self, item: LogLine) -> None:
        """Report without waiting. Callable from any thread."""
        self._queue.put(Report("logged", item))

    def close(self) -> None:
        """Wake the reading thread: nothing more will come. Callable from any thread."""
        self._queue.put(None)

    def next(self, timeout_seconds: float) -> Report | None:
        """The next report for the recorder; None when the journal was closed. Raises queue.Empty after the timeout."""
        return self._queue.get(timeout=max(timeout_seconds, 0.001))

    def refuse(self) -> None:
        """Answer everything that waits or will wait with AttemptStopped: nobody reads any more."""
        self._refusing = True
        while True:
            try:
                report = self._queue.get_nowait()
            except Empty:
                return
            if report is not None:
                settle(report, AttemptStopped("abandoned"))

    async def _ask(self, method: str | Callable[[Any], Any], item: Any) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put(Report(method, item, answer))
        if self._refusing:  # looked at after the put, so that none slips in between
            self.refuse()
        return await answer


def deliver(report: Report, recorder: Recorder) -> None:
    """Call the recorder and answer the attempt; an exception goes to whoever waits, and is raised here as well.

    A function that is none of the recorder's may refuse with a WebGraphError, which is the attempt's alone.
    """
    method = report.method
    try:
        value = getattr(recorder, method)(report.item) if isinstance(method, str) else method(report.item)
    except Exception as error:
        is_refusal = isinstance(error, WebGraphError) and not isinstance(error, AttemptStopped)
        if is_refusal and not isinstance(method, str):
            settle(report, error)
            return
        settle(report, error)
        raise
    except BaseException:
        # An order to this thread (time is up, interrupt); raised inside the loop it would end the loop.
        settle(report, AttemptStopped("abandoned"))
        raise
    settle(report, None, value)


def settle(report: Report, error: BaseException | None, value: Any = None) -> None:
    """Answer a waiting attempt from the calling thread."""
    answer = report.answer
    if answer is None:
        return

    def finish() -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(value)
        else:
            answer.set_exception(error)

    answer.get_loop().call_soon_threadsafe(finish)
