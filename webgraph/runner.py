"""Runs one attempt from an ordinary thread: the browser's work on the host's loop, the recorder's calls in here."""

from __future__ import annotations

from concurrent.futures import Future, wait
from queue import Empty
from typing import TYPE_CHECKING

from infra_shared.clock import monotonic
from webgraph.attempt import Attempt
from webgraph.errors import AttemptStopped, FailureKind, WebGraphError
from webgraph.evidence.scrub import Scrub
from webgraph.journal import Journal, deliver, settle
from webgraph.outcome import AttemptFailure, AttemptResult, AttemptSpec, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from webgraph.browser.host import BrowserHost
    from webgraph.journal import Report
    from webgraph.recorder import Recorder

__all__ = ["AttemptFailure", "AttemptResult", "AttemptSpec", "Outcome", "run_attempt"]

# A stopped attempt keeps its evidence and closes its context in this time, or its browser is ended by force.
_STOP_SECONDS = 45.0
# Of that, what an act under way may take when somebody cancelled: an act cut short leaves its effect unknown.
_ACT_SECONDS = 5.0
_ABANDON_SECONDS = 8.0


def run_attempt(
    spec: AttemptSpec,
    recorder: Recorder,
    host: BrowserHost,
    *,
    on_beat: Callable[[], str | None] | None = None,
    beat_seconds: float = 1.0,
    stop_seconds: float = _STOP_SECONDS,
) -> AttemptResult:
    """Make one attempt and return how it ended.

    Told to stop, it takes no further step and has `stop_seconds` to keep its evidence and close its context; then its
    browser is ended by force. When the reason is "cancelled", an act under way may end first.

    `on_beat` is called at least every `beat_seconds` (as long as the recorder returns quickly) and may return a
    reason to stop. The deadline is watched here, outside the browser's loop. A failed automation is a result; what
    the recorder or `on_beat` raises, AttemptStopped apart, is raised after the browser context was closed. So is
    whatever is raised in this thread from outside, such as a task queue's time-out.
    """
    host.start()
    journal = Journal()
    try:
        attempt = Attempt(spec, host, journal)
    except WebGraphError as error:
        return _refused(error, spec)
    future = host.submit(attempt.run())
    future.add_done_callback(lambda _done: journal.close())
    pump = _Pump(
        attempt, journal, recorder, on_beat=on_beat, beat_seconds=beat_seconds, stop_seconds=stop_seconds
    )
    try:
        pump.run()
    except BaseException:
        attempt.abandon()
        journal.refuse()
        if not wait([future], timeout=_ABANDON_SECONDS).done:
            host.abandon()
        raise
    return _result(future, pump, host)


def _result(future: Future[AttemptResult], pump: _Pump, host: BrowserHost) -> AttemptResult:
    if pump.error is not None:
        raise pump.error
    if future.done():
        return future.result()
    # The loop answers nothing, so code of the automation blocks it: its thread is given up, its browser ended.
    host.abandon()
    reason = pump.stopping or "stuck"
    failure = AttemptFailure(
        kind=FailureKind.TIMEOUT if reason == "deadline" else FailureKind.CANCELLED,
        message="The attempt had to be ended by force: the automation blocks without awaiting.",
        permanent=reason != "deadline",
    )
    return AttemptResult(outcome=Outcome.STOPPED, stop_reason=reason, by_force=True, failure=failure)


class _Pump:
    """Delivers reports to the recorder while the attempt runs. Sleeps on the queue; never polls."""

    def __init__(
        self,
        attempt: Attempt,
        journal: Journal,
        recorder: Recorder,
        *,
        on_beat: Callable[[], str | None] | None,
        beat_seconds: float,
        stop_seconds: float,
    ) -> None:
        now = monotonic()
        self._stop_seconds = stop_seconds
        self._attempt = attempt
        self._journal = journal
        self._recorder = recorder
        self._on_beat = on_beat
        self._beat_seconds = beat_seconds
        self._next_beat = now + beat_seconds if on_beat else float("inf")
        self._deadline = now + attempt.deadline_seconds
        self._give_up = float("inf")
        self.stopping: str | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Return when the attempt has ended, or when it did not end in time after a stop."""
        while (now := monotonic()) < self._give_up:
            try:
                report = self._journal.next(self._wake_at() - now)
            except Empty:
                pass
            else:
                if report is None:
                    return
                self._deliver(report)
            self._keep_time()

    def _wake_at(self) -> float:
        return min(self._next_beat, self._give_up if self.stopping else self._deadline)

    def _deliver(self, report: Report) -> None:
        if self.error is not None:
            settle(report, AttemptStopped("recorder_failed"))
            return
        try:
            deliver(report, self._recorder)
        except AttemptStopped as order:
            self._stop(order.reason)
        except Exception as error:  # noqa: BLE001 - whatever the caller's recorder raises is its caller's, after the end
            self.error = error
            self._stop("recorder_failed")

    def _keep_time(self) -> None:
        now = monotonic()
        if now >= self._next_beat and self._on_beat is not None:
            reason = self._on_beat()
            self._next_beat = monotonic() + self._beat_seconds
            if reason:
                self._stop(reason)
        if now >= self._deadline:
            self._stop("deadline")

    def _stop(self, reason: str) -> None:
        if self.stopping is None:
            self.stopping = reason
            self._give_up = monotonic() + self._stop_seconds
            act_seconds = min(_ACT_SECONDS, self._stop_seconds / 2) if reason == "cancelled" else 0.0
            self._attempt.stop(reason, act_seconds=act_seconds)


def _refused(error: WebGraphError, spec: AttemptSpec) -> AttemptResult:
    """An attempt that ends before a browser is needed."""
    failure = AttemptFailure(
        kind=error.kind, message=Scrub(spec.secrets).text(str(error)), permanent=error.permanent
    )
    return AttemptResult(outcome=Outcome.FAILED, failure=failure)
