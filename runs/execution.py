"""One attempt in a worker process: claim, run it on the warm browser, write how it ended.

A ticket that is stale or came twice ends at the claim. Nothing here raises for a failed automation: how it failed is
written, and the lifecycle decides what follows.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from django.conf import settings
from django.db import DatabaseError

from automations.errors import CredentialError
from automations.models import AutomationKind
from automations.services.credential_use import Asking, Given, give
from automations.services.fingerprints import known_fingerprints
from automations.services.healing import overrides_for
from automations.services.registry import code_for, definitions, latest_code_for
from infra_shared import clock
from infra_shared.blobs.django_store import artifact_store
from infra_shared.clock import utc_now
from infra_shared.database import when_reachable
from infra_shared.log_context import bound_everywhere
from infra_shared.logging import hiding_in_logs, listening_to_lines
from infra_shared.redaction import Redactor
from infra_shared.services.spools import spool_folder
from runs.attempt_log import AttemptLog
from runs.errors import LostClaimError, SecretsGoneError
from runs.evidence_writer import EvidenceWriter
from runs.limit_keys import Kind, names_of
from runs.retry_policy import FREE_CRASHES
from runs.services import outcomes, questions, resuming
from runs.services.claims import Claim, claim_attempt, release_process, stop_reason
from runs.services.codes import LedgerCodes
from runs.services.demands import sites_of
from runs.services.inputs import inputs_of
from runs.services.learning import learn_from_success
from runs.services.run_secrets import secrets_of
from runs.services.session_desks import desk_for
from webgraph.asked_places import AskedPlaces
from webgraph.errors import AttemptStopped, FailureKind, WebGraphError
from webgraph.network import AddressPolicy
from webgraph.recorder import ArtifactKind, Evidence, EvidenceGap, EvidenceLevel, Question
from webgraph.runner import AttemptResult, AttemptSpec, run_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from automations.models import AutomationVersion
    from runs.models import Artifact
    from runs.services.session_desks import RunDesk
    from webgraph.browser.host import BrowserHost
    from webgraph.flow import Automation

RESULT_IN_ROW_BYTES = 64 * 1024
FLUSH_SECONDS = 30.0
BEAT_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Worker(Protocol):
    """The worker process an attempt runs in."""

    @property
    def row_id(self) -> UUID:
        """Key of its WorkerProcess row."""

    @property
    def name(self) -> str:
        """Node and process, for people."""

    @property
    def browser_host(self) -> BrowserHost:
        """Its warm browser."""

    def leave(self) -> None:
        """End when this attempt has ended: another process takes its place."""

    def beat(self) -> None:
        """Extend its lease when a quarter of it has passed; never raises for an unreachable database."""


def execute(attempt_id: int, worker: Worker) -> str:
    """Run one attempt if its ticket is good; returns in one word what came of it, for the log."""
    digests = [definition.digest for definition in definitions().values()]
    try:
        claim = claim_attempt(
            attempt_id=attempt_id, process_id=worker.row_id, process_name=worker.name, versions=digests
        )
        return "stale" if claim is None else _carry_out(claim, worker)
    finally:
        # Also after a claim that raised: its commit may have arrived, and what nobody holds is reaped at once.
        when_reachable(
            lambda: release_process(process_id=worker.row_id),
            up_to=settings.LEASE,
            sleep=_beating(worker),
        )


def _carry_out(claim: Claim, worker: Worker) -> str:
    run, log = claim.attempt.run, AttemptLog()
    with (
        bound_everywhere(run_id=str(run.pk), attempt=claim.attempt.number),
        listening_to_lines(log.take),
    ):
        _log.info("attempt_claimed", automation=run.version.automation.key, fence=claim.fence)
        try:
            word = _Execution(claim, worker, log).carry_out()
        except (LostClaimError, AttemptStopped) as error:
            _log.warning("attempt_moved_on", reason=str(error))
            word = "moved_on"
        except DatabaseError:
            _log.exception("attempt_dropped")  # the reaper ends it as lost, and it is tried again
            word = "dropped"
        _log.info("attempt_ended", outcome=word)
        return word


class _Execution:
    """What one claimed attempt needs while it runs."""

    def __init__(self, claim: Claim, worker: Worker, log: AttemptLog) -> None:
        self._claim = claim
        self._worker = worker
        self._log = log
        self._run = claim.attempt.run
        self._version: AutomationVersion = claim.attempt.run.version
        self._secret_params: Mapping[str, Any] = {}
        self._desk: RunDesk | None = None
        # Counted on this machine's own clock, which need not agree with the database's.
        self._until = clock.monotonic() + _deadline_seconds(claim)
        self._redactor = Redactor(())
        self._writer = EvidenceWriter(
            claim=claim,
            store=artifact_store(),
            outage=self._time_left(),
            sleep=_beating(worker),
            redactor=self._redactor,
            spool=spool_folder(),
        )

    def carry_out(self) -> str:
        """Run the automation and write its end."""
        try:
            with hiding_in_logs(self._redactor):
                return self._carry_out()
        finally:
            self._writer.close()

    def _carry_out(self) -> str:
        code = self._code()
        if code is None:
            return self._fail(FailureKind.BUG, _no_code(self._version))
        try:
            given = self._write(lambda: give(names=code.credentials, asking=self._asking(code)))
        except CredentialError as error:
            return self._fail(FailureKind.AUTH, str(error), permanent=error.permanent)
        redactor = self._redactor
        redactor.learn(given.values())
        try:
            redactor.learn(questions.secrets_in(run=self._run))
            self._secret_params = secrets_of(run=self._run)
            redactor.learn(str(value) for value in self._secret_params.values())
            return self._attempt(code, given, redactor)
        except (DatabaseError, LostClaimError, AttemptStopped):
            raise
        except SecretsGoneError as error:
            return self._fail(FailureKind.BAD_PARAMS, str(error))
        except WebGraphError as error:  # such as no browser on this machine
            return self._fail(error.kind, redactor.text(str(error)))
        except Exception as error:  # noqa: BLE001 - a process boundary: it becomes the attempt's end
            _log.exception("attempt_broke")
            message = redactor.text(f"The server itself failed: {type(error).__name__}: {error}")
            return self._fail(FailureKind.BUG, message)

    def _attempt(self, code: type[Automation], given: Given, redactor: Redactor) -> str:
        writer = self._writer
        result = run_attempt(
            self._spec(code, given, redactor),
            writer,
            self._worker.browser_host,
            on_beat=lambda: self._beat(writer),
            beat_seconds=BEAT_SECONDS,
            stop_seconds=settings.STOP_GRACE.total_seconds(),
        )
        _log.info("attempt_result", outcome=result.outcome, **_why(result))
        self._keep_log()
        return self._write_end(result, writer)

    def _keep_log(self) -> None:
        """Store what was said up to now, and wait for the evidence under way: the row of the attempt ends next."""
        self._hand_on_log()
        self._writer.flush(seconds=FLUSH_SECONDS)

    def _hand_on_log(self) -> None:
        """Store what was said since the last part; one that cannot be rendered is a gap and fails no run."""
        try:
            part = self._log.next_part(self._redactor)
        except Exception as error:  # noqa: BLE001 - a defect of ours, or of what an automation said
            _log.exception("log_not_kept")
            reason = f"A part of the log could not be rendered: {type(error).__name__}."
            self._writer.gap(EvidenceGap(kind=ArtifactKind.LOG, reason=reason, captured_at=utc_now()))
        else:
            if part is not None:
                self._writer.evidence(part)

    def _write_end(self, result: AttemptResult, writer: EvidenceWriter) -> str:
        if result.by_force:
            self._worker.leave()
        if result.outcome == "succeeded":
            return self._write_success(result, writer)
        if result.outcome == "parked":
            self._write_parking(result, writer)
            return "parked"
        if result.outcome == "stopped" and result.stop_reason == "lease_lost":
            raise LostClaimError("The lease ended while the attempt ran.")
        if result.outcome == "stopped" and result.stop_reason == "cancelled":
            self._write(lambda: outcomes.finish_cancelled(claim=self._claim, browser=result.browser))
        else:
            failure = self._failure(result)
            self._write(
                lambda: outcomes.finish_failed(claim=self._claim, failure=failure, browser=result.browser)
            )
        return str(result.stop_reason or result.outcome)

    def _write_parking(self, result: AttemptResult, writer: EvidenceWriter) -> None:
        question = result.parked if isinstance(result.parked, Question) else None
        guard_id = writer.standing_guard_id if question is None else None
        self._write(
            lambda: outcomes.finish_parked(
                claim=self._claim, question=question, guard_id=guard_id, browser=result.browser
            )
        )

    def _write_success(self, result: AttemptResult, writer: EvidenceWriter) -> str:
        row, artifact = self._keep_result(result, writer)
        self._write(
            lambda: outcomes.finish_succeeded(
                claim=self._claim, result=row, result_artifact=artifact, browser=result.browser
            )
        )
        self._learn()
        return "succeeded"

    def _learn(self) -> None:
        """Keep what the run teaches the next ones; it has ended by now, so nothing that goes wrong here changes it."""
        try:
            self._write(lambda: learn_from_success(run_id=self._run.pk))
        except DatabaseError:
            _log.exception("nothing_learned")

    def _failure(self, result: AttemptResult) -> outcomes.Failure:
        if result.failure is None:
            return outcomes.Failure(
                kind=FailureKind.TIMEOUT,
                message=f"The attempt did not finish within its deadline ({_deadline_seconds(self._claim):.0f} s).",
                permanent=False,
            )
        wait = result.failure.retry_after_seconds
        return outcomes.Failure(
            kind=result.failure.kind,
            message=result.failure.message,
            permanent=result.failure.permanent,
            stage=result.failure.stage,
            retry_after=timedelta(seconds=wait) if wait is not None else None,
            lost_with_others=result.failure.lost_with_others,
        )

    def _keep_result(
        self, result: AttemptResult, writer: EvidenceWriter
    ) -> tuple[dict[str, Any] | None, Artifact | None]:
        """The result for the run's row, or an artifact when it is larger than a row should hold.

        None, too, of a commit that happened earlier and left none. An artifact the store does not take waits in the
        spool, or is a gap: the run did what it was asked for.
        """
        body = json.dumps(result.result, ensure_ascii=False).encode()
        # It was redacted; should it hold a secret all the same, it is quarantined as a file would be.
        if len(body) <= RESULT_IN_ROW_BYTES and not writer.holds_secret(body):
            return result.result, None
        item = Evidence(
            kind=ArtifactKind.RESULT,
            name="result.json",
            content_type="application/json",
            body=body,
            captured_at=utc_now(),
        )
        return None, writer.keep_now(item, seconds=FLUSH_SECONDS)

    def _fail(self, kind: FailureKind, message: str, *, permanent: bool = True) -> str:
        failure = outcomes.Failure(kind=kind, message=message, permanent=permanent)
        _log.info("attempt_result", outcome="failed", failure_kind=kind.value, reason=message)
        try:
            self._keep_log()
        except (DatabaseError, LostClaimError, AttemptStopped):
            raise
        except Exception:  # noqa: BLE001 - perhaps the very fault that ends the attempt: its end is written all the same
            _log.exception("log_not_kept")
        self._write(lambda: outcomes.finish_failed(claim=self._claim, failure=failure))
        return "failed"

    def _code(self) -> type[Automation] | None:
        exact = code_for(self._version)
        if exact is None and self._version.option("allow_latest"):
            return latest_code_for(self._version)
        return exact

    def _asking(self, code: type[Automation]) -> Asking:
        asked = AskedPlaces(code.Params, self._run.params)
        return Asking(
            run_id=self._run.pk,
            attempt=self._claim.attempt.number,
            automation=self._version.automation.key,
            customer=self._run.customer.key,
            sites=asked.left_out(names_of(Kind.SITE, sites_of(self._run)), own=code.sites),
            profile=code.profile,
        )

    def _spec(self, code: type[Automation], given: Given, redactor: Redactor) -> AttemptSpec:
        params = self._run.params | self._secret_params
        self._desk = desk_for(claim=self._claim, code=code, params=params, write=self._write)
        return AttemptSpec(
            automation=code,
            redactor=redactor,
            params=params,
            session=self._desk,
            secrets=given.secrets,
            origins=given.origins,
            codes=LedgerCodes(given.seeds, write=self._write, redactor=redactor),
            files=inputs_of(run=self._run),
            evidence=EvidenceLevel(self._run.evidence_level),
            deadline_seconds=self._time_left().total_seconds(),
            address_policy=AddressPolicy(allowed=tuple(settings.BROWSER_ALLOW_PRIVATE)),
            limits=settings.PAGE_LIMITS,
            alone=outcomes.crashes_survived(run_id=self._run.pk) >= FREE_CRASHES,
            vision=settings.VISION,
            model_tokens=min(code.model_tokens, settings.VISION_MODEL_TOKENS),
            fingerprints=known_fingerprints(automation_id=self._version.automation_id),
            overrides=overrides_for(version=self._version),
            resume_from=resuming.resume_point(run=self._run),
            answers=questions.answers_for(run=self._run),
        )

    def _beat(self, writer: EvidenceWriter) -> str | None:
        """Extend the lease, show what is stored, and ask whether to go on; with the database away it goes on."""
        self._worker.beat()
        if self._desk is not None:
            self._write(self._desk.beat)
        try:
            if self._log.is_due:
                self._hand_on_log()
            writer.write_stored()
        except AttemptStopped as order:
            return order.reason
        return when_reachable(
            lambda: stop_reason(self._claim), up_to=self._time_left(), sleep=_beating(self._worker)
        )

    def _write(self, work: Callable[[], Any]) -> Any:
        return when_reachable(work, up_to=self._time_left() + settings.LEASE, sleep=_beating(self._worker))

    def _time_left(self) -> timedelta:
        return timedelta(seconds=max(self._until - clock.monotonic(), 1.0))


def _why(result: AttemptResult) -> dict[str, str]:
    failure = result.failure
    said = {} if failure is None else {"failure_kind": failure.kind.value, "reason": failure.message}
    return said | ({"stopped": result.stop_reason} if result.stop_reason else {})


def _no_code(version: AutomationVersion) -> str:
    if version.automation.kind == AutomationKind.FLOW:
        return f"This release cannot read {version}. Say what is wrong with it: manage.py flows check FILE"
    return f"This node has no code for {version}."


def _deadline_seconds(claim: Claim) -> float:
    attempt = claim.attempt
    assert attempt.deadline_at is not None  # a claimed attempt has both, by constraint
    assert attempt.started_at is not None
    return (attempt.deadline_at - attempt.started_at).total_seconds()


def _beating(worker: Worker) -> Callable[[float], None]:
    """A pause during which the worker process keeps trying to extend its lease."""

    def pause(seconds: float) -> None:
        clock.sleep(seconds)
        worker.beat()

    return pause
