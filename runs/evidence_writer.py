"""The recorder of a worker process: rows through the services, bytes through a thread of their own.

Rows are written by the thread that calls, so the fence is checked before each step. Bytes go to the blob store on
one background thread and their rows follow as soon as they are stored, so slow storage delays no step. What the
store refuses, or does not take in time, waits in the spool of the node; what has no room there becomes a recorded gap.
What holds a secret of the run is quarantined.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from infra_shared import clock
from infra_shared.blobs.protocol import BlobStorageError, BlobStore
from infra_shared.blobs.spool import SpoolError
from infra_shared.database import when_reachable
from infra_shared.ids import uuid7
from infra_shared.log_context import bound
from runs.attempt_log import say_for_automation
from runs.errors import LostClaimError
from runs.evidence_gate import EvidenceGate, Stored
from runs.evidence_spool import EvidenceSpool, PausedStore, is_text
from runs.services import guards, questions, recording, spooled
from runs.services.claims import Claim, stop_reason
from webgraph.errors import AttemptStopped
from webgraph.recorder import Evidence, EvidenceGap, StageEnd, StageStart, StepIntent, StepOutcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from infra_shared.blobs.spool import SpoolFolder
    from infra_shared.redaction import Redactor
    from runs.models import Artifact
    from webgraph.recorder import LogLine, Question, Resumed, StageAnswer

T = TypeVar("T")
WAIT_SLICE_SECONDS = 0.25
MAX_PENDING_BYTES = 64 * 1024 * 1024
_log = structlog.get_logger(__name__)


class EvidenceWriter:
    """Implements `webgraph.recorder.Recorder` for one claimed attempt."""

    def __init__(
        self,
        *,
        claim: Claim,
        store: BlobStore,
        outage: timedelta,
        sleep: Callable[[float], None] = clock.sleep,
        redactor: Redactor | None = None,
        spool: SpoolFolder | None = None,
    ) -> None:
        """`sleep` is called whenever the writer waits, for the store too: there a worker process extends its lease.

        `redactor` knows the run's secrets, and learns those of answers. Without a `spool`, what the store does not take
        is a gap.
        """
        self._claim = claim
        self._gate = EvidenceGate(PausedStore(store), redactor)
        self._spool = EvidenceSpool(spool, self._gate, redactor) if spool is not None else None
        self._outage = outage
        self._sleep = sleep
        self._redactor = redactor
        self.standing_guard_id: int | None = None
        """The commit of another attempt that the latest stage met; None when none stood in the way."""
        self._steps: dict[int, int] = {}
        self._pending: deque[tuple[Evidence, Future[Stored]]] = deque()
        self._pending_bytes = 0
        self._uploads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evidence")

    def stage_started(self, stage: StageStart) -> StageAnswer:
        """Write the stage's row; it is durable when this returns. A commit another attempt began is not to be done."""
        standing = self._write(lambda: recording.stage_started(claim=self._claim, stage=stage))
        if standing is None:
            return None
        self.standing_guard_id = standing.pk
        return guards.answer_of(standing, self._claim.attempt.run_id)

    def stage_finished(self, stage: StageEnd) -> None:
        """Write the stage's end."""
        self.write_stored()
        self._write(lambda: recording.stage_finished(claim=self._claim, stage=stage))

    def resumed(self, item: Resumed) -> None:
        """Write after what the attempt goes on, or why it starts over."""
        self._write(lambda: recording.resumed(claim=self._claim, item=item))

    def asked(self, question: Question) -> dict[str, Any] | None:
        """Write a question for which the browser is held, once; its answer when there is one."""
        answer = self._write(lambda: questions.hold(claim=self._claim, question=question))
        if answer is not None and self._redactor is not None:
            self._redactor.learn(questions.secrets_in(run=self._claim.attempt.run))
        return answer

    def step_started(self, step: StepIntent) -> None:
        """Write the intent, unless the attempt has to stop."""
        self.write_stored()
        with bound(step=step.index):
            reason = self._write(lambda: stop_reason(self._claim))
            if reason is not None:
                raise AttemptStopped(reason)
            started = self._write(lambda: recording.step_started(claim=self._claim, step=step))
        self._steps[step.index] = started

    def step_finished(self, step: StepOutcome) -> None:
        """Write the outcome."""
        with bound(step=step.index):
            self._write(lambda: recording.step_finished(claim=self._claim, step=step))

    def evidence(self, item: Evidence) -> None:
        """Hand the bytes to the storage thread; a backlog beyond the bound goes to the spool."""
        if self._pending_bytes + len(item.body) > MAX_PENDING_BYTES and self._pending:
            self._wait_or_gap(item, "The store is too slow: too many bytes were waiting for it.")
            return
        self._pending_bytes += len(item.body)
        upload = self._uploads.submit(self._put, item)
        self._pending.append((item, upload))

    def logged(self, line: LogLine) -> None:
        """Log what the automation said; its words go where all lines of this process go, and into the attempt's log."""
        with bound(step=line.step_index):
            say_for_automation(line)

    def gap(self, gap: EvidenceGap) -> None:
        """Write that an artifact is missing."""
        self._write_gap(gap)

    def flush(self, *, seconds: float) -> None:
        """Wait for the bytes under way, at most so long, and write their rows; what is late waits in the spool."""
        until = clock.monotonic() + seconds
        while self._pending:
            item, upload = self._pending.popleft()
            self._await(upload, until)
            self._keep(item, upload)

    def holds_secret(self, body: bytes) -> bool:
        """Whether the bytes hold a secret of the run."""
        return self._gate.leak_in(body) is not None

    def keep_now(self, item: Evidence, *, seconds: float) -> Artifact:
        """Store bytes that are no evidence, such as a large result, and write their row.

        The row says that they wait, or why they are missing, when the store does not take them in time.
        """
        upload = self._uploads.submit(self._put, item)
        self._await(upload, clock.monotonic() + seconds)
        if not upload.done():
            upload.cancel()
            return self._wait_or_gap(item, f"The store did not take it within {seconds:.0f} s.")
        return self._keep_ended(item, upload)

    def close(self) -> None:
        """End the storage thread without waiting for it."""
        self._uploads.shutdown(wait=False, cancel_futures=True)

    def write_stored(self) -> None:
        """Write the rows of what is stored by now, without waiting for more.

        Call it now and then: a step may take long, and what came before it must survive this process.
        """
        while self._pending and self._pending[0][1].done():
            item, upload = self._pending.popleft()
            self._keep(item, upload)

    def keep(self, item: Evidence, stored: Stored) -> Artifact:
        """Write the row of what is in the store."""
        step_id, artifact_id = self._step_id(item.step_index), uuid7()
        leak = stored.leak
        if leak is None:
            return self._write(
                lambda: recording.artifact_stored(
                    claim=self._claim, artifact_id=artifact_id, item=item, blob=stored.blob, step_id=step_id
                )
            )
        _log.error("artifact_quarantined", kind=item.kind.value, reason=leak.reason)
        named = replace(item, name=self._redactor.text(item.name) if self._redactor else item.name)
        return self._write(
            lambda: recording.artifact_quarantined(
                claim=self._claim,
                artifact_id=artifact_id,
                item=named,
                sealed=stored.blob,
                reason=leak.reason,
                step_id=step_id,
            )
        )

    def _put(self, item: Evidence) -> Stored:
        """What the storage thread does."""
        with bound(step=item.step_index):
            return self._gate.put(item.body, text=is_text(item), name=item.name)

    def _await(self, upload: Future[Stored], until: float) -> None:
        """Return when the upload ended or the time came; the worker process keeps its lease meanwhile."""
        while not upload.done() and (left := until - clock.monotonic()) > 0:
            wait([upload], timeout=min(left, WAIT_SLICE_SECONDS))
            self._sleep(0)

    def _keep(self, item: Evidence, upload: Future[Stored]) -> None:
        self._pending_bytes -= len(item.body)
        if not upload.done():
            upload.cancel()
            self._wait_or_gap(item, "The store did not take it before the attempt ended.")
            return
        self._keep_ended(item, upload)

    def _keep_ended(self, item: Evidence, upload: Future[Stored]) -> Artifact:
        """Write the row of an upload that ended, well or not."""
        try:
            stored = upload.result()
        except BlobStorageError as error:
            return self._wait_or_gap(item, error.reason)
        except Exception as error:  # noqa: BLE001 - a defect of ours: it fails no run, and no byte is stored unseen
            _log.exception("evidence_not_stored", kind=item.kind.value)
            return self._write_gap(
                _gap(item, f"The server failed while it stored it: {type(error).__name__}.")
            )
        return self.keep(item, stored)

    def _write_gap(self, gap: EvidenceGap) -> Artifact:
        step_id, artifact_id = self._step_id(gap.step_index), uuid7()
        return self._write(
            lambda: recording.artifact_missing(
                claim=self._claim, artifact_id=artifact_id, gap=gap, step_id=step_id
            )
        )

    def _wait_or_gap(self, item: Evidence, reason: str) -> Artifact:
        """Have the bytes wait in the spool; a gap when there is none, or when it does not take them."""
        if self._spool is None:
            return self._write_gap(_gap(item, reason))
        try:
            waiting = self._spool.keep(
                item, attempt=self._claim.attempt, step_id=self._step_id(item.step_index)
            )
        except SpoolError as error:
            return self._write_gap(_gap(item, f"{reason} {error.reason}"))
        _log.warning("artifact_waits", kind=item.kind.value, reason=reason)
        return self._write(lambda: spooled.artifact_waits(claim=self._claim, waiting=waiting))

    def _step_id(self, index: int | None) -> int | None:
        return self._steps.get(index) if index is not None else None

    def _write(self, work: Callable[[], T]) -> T:
        """Write now, or when the database is back; AttemptStopped when the attempt is no longer ours.

        Each `work` is one transaction that may be repeated: when a commit's answer was lost, its repetition finds
        the row already there.
        """
        try:
            return when_reachable(work, up_to=self._outage, sleep=self._sleep)
        except LostClaimError as error:
            raise AttemptStopped("lease_lost", str(error)) from error


def _gap(item: Evidence, reason: str) -> EvidenceGap:
    _log.warning("artifact_missing", kind=item.kind.value, reason=reason)
    return EvidenceGap(
        kind=item.kind,
        reason=reason,
        captured_at=item.captured_at,
        step_index=item.step_index,
        stage=item.stage,
    )
