"""One try at an automation, on the browser's loop: context, stages, evidence, and an orderly end in every case."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.asked_places import AskedPlaces
from webgraph.asking import PARKED, Asking
from webgraph.bindings import Bindings
from webgraph.bounds import Bounds
from webgraph.browser.gateway.meter import Meter
from webgraph.browser.signed_profile import sign
from webgraph.budget import Budget
from webgraph.codes import Codes
from webgraph.course import Course, StartOver
from webgraph.dialogs import Dialogs
from webgraph.errors import AttemptStopped, BadResultError, BrowserCrashError, FailureKind
from webgraph.evidence.keeper import EvidenceKeeper
from webgraph.evidence.scrub import Scrub
from webgraph.inputs import Inputs
from webgraph.new_windows import NewWindows
from webgraph.outcome import AttemptFailure, AttemptResult, Outcome
from webgraph.page import Page
from webgraph.recorder import EvidenceLevel, Resumed
from webgraph.recovery import Recoveries
from webgraph.run_log import RunLog
from webgraph.secret_values import secrets_in
from webgraph.signing_in import SigningIn
from webgraph.supervisor import Supervisor
from webgraph.surface import Windows
from webgraph.verdicts import failure_of, prepared
from webgraph.vision.eyes import Eyes
from webgraph.vision.worker import VisionWorker
from webgraph.workers.axtree import AxTreeWorker
from webgraph.workers.dom import DomWorker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import BrowserContext

    from webgraph.browser.host import BrowserHost
    from webgraph.checkpoint import Checkpoint
    from webgraph.errors import WebGraphError
    from webgraph.journal import Journal
    from webgraph.outcome import AttemptSpec
    from webgraph.surface import Surface
    from webgraph.workers.base import Worker

_LONGEST_MESSAGE = 500
_SETTLING_SECONDS = 5.0


class Attempt:
    """Runs once. Made in the calling thread (raises what `prepared` raises), run on the host's loop."""

    def __init__(self, spec: AttemptSpec, host: BrowserHost, journal: Journal) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="attempt-", dir=host.folder))
        self._inputs = Inputs(spec.files, self._scratch / "inputs")
        try:
            self._automation = prepared(spec.automation, spec.params, spec.secrets, self._inputs.files)
            asked = AskedPlaces(spec.automation.Params, spec.params)
            self._bindings = Bindings(spec.secrets, spec.origins, asked)
            self._bindings.check_profile(spec.automation.profile)
            self._profile = sign(spec.automation.profile, spec.secrets)
        except BaseException:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise
        declared = spec.automation
        self.deadline_seconds = spec.deadline_seconds or declared.deadline.total_seconds()
        self._spec = spec
        self._policy = spec.address_policy
        self._host = host
        self._journal = journal
        self._scrub = Scrub(spec.secrets, redactor=spec.redactor, patterns=declared.redact_patterns)
        self._scrub.learn(secrets_in(self._automation.params))
        self._budget = Budget(seconds=self.deadline_seconds, **_sight_of(spec))
        self._eyes = Eyes(spec.vision)
        self._keeper = EvidenceKeeper(
            level=spec.evidence or EvidenceLevel(declared.evidence),
            journal=journal,
            scrub=self._scrub,
            scratch=self._scratch,
            cover_media=declared.cover_media,
            limits=spec.limits,
        )
        self._bounds = Bounds(spec.limits, told=self._keeper.console.limit)
        self._meter = Meter(spec.limits.traffic_bytes, spec.limits.traffic, self._too_much_traffic)
        self._recoveries = Recoveries(declared.recoveries)
        self._supervisor = Supervisor(
            workers=spec.workers if spec.workers is not None else self._tiers(),
            budget=self._budget,
            journal=journal,
            scrub=self._scrub,
            keeper=self._keeper,
            step_timeout_seconds=spec.step_timeout_seconds or declared.step_timeout.total_seconds(),
            automation=declared.key,
            fingerprints=spec.fingerprints,
            overrides=spec.overrides,
            recoveries=self._recoveries,
        )
        self._automation.log = RunLog(journal, self._scrub, self._supervisor)
        self._browser: dict[str, Any] = {"profile": declared.profile.as_json()}
        self._asking = self._supervisor.asking = Asking(spec.answers, journal, self._scrub)
        self._supervisor.bindings = self._bindings
        self._supervisor.codes = Codes(
            spec.codes, declared=declared.credentials, journal=journal, learn=self._learn_code
        )
        self._signing_in = SigningIn(
            self._automation,
            declared.session.identity(spec.secrets) if declared.session is not None else "",
            spec.session,
            journal=journal,
            scrub=self._scrub,
            site_knows=self._keeper.camera.secret_was_typed,
        )
        self._course = Course(
            self._automation,
            supervisor=self._supervisor,
            journal=journal,
            keeper=self._keeper,
            scrub=self._scrub,
            asking=self._asking,
            signing_in=self._signing_in,
        )
        self._stop_reason: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._ending = False
        self._abandoned = False

    def _learn_code(self, credential: str, code: str) -> None:
        self._scrub.learn([code])
        self._bindings.learn(credential, code)

    def _tiers(self) -> tuple[Worker, ...]:
        return DomWorker(), AxTreeWorker(), VisionWorker(self._eyes, self._keeper.camera, self._budget)

    def _too_much_traffic(self) -> None:
        """Called on the gateway's thread."""
        assert self._loop is not None  # nothing comes in before the attempt runs
        self._loop.call_soon_threadsafe(self._bounds.exceeded, self._spec.limits.traffic())

    def stop(self, reason: str, *, act_seconds: float = 0.0) -> None:
        """End the attempt soon: no further step, evidence kept, context closed. Callable from any thread.

        An act under way may take `act_seconds` more to end, so that it is known what became of it.
        """
        self._stop_reason = self._stop_reason or reason
        self._supervisor.stop_reason = self._stop_reason
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_soon, act_seconds)

    def abandon(self) -> None:
        """End the attempt at once: nothing is kept any more, the context is closed. Callable from any thread."""
        self._abandoned = True
        self.stop("abandoned")

    async def run(self) -> AttemptResult:
        """Run it to its end; every failure and stop is a result, none is raised."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._budget.begin()
        try:
            if self._stop_reason is not None:
                return self._stopped(self._stop_reason)
            self._policy = await self._profile.policy(self._spec.address_policy)
            await self._inputs.fetch()
            return await self._go_on_or_start_over()
        except AttemptStopped as order:  # before there was a context
            return self._parked() if order.reason == PARKED else self._stopped(order.reason)
        except asyncio.CancelledError:
            # Cancelled before there was a context, or once more while it was closed.
            return self._stopped(self._stop_reason or "cancelled")
        except Exception as error:  # noqa: BLE001 - the edge of the loop: whatever it was becomes the attempt's failure
            return self._failed(failure_of(error, self._automation))
        finally:
            await self._eyes.close()
            await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    async def _go_on_or_start_over(self) -> AttemptResult:
        after = self._spec.resume_from
        refusal = self._course.misfit(after) if after is not None else ""
        if after is None or refusal:
            return await self._leased(after=None, refusal=refusal)
        try:
            return await self._leased(after=after)
        except StartOver as order:
            refusal = str(order)
        return await self._leased(after=None, refusal=refusal)

    async def _leased(self, *, after: Checkpoint | None, refusal: str = "") -> AttemptResult:
        if refusal and (left := self._spec.resume_from) is not None:
            item = Resumed(position=left.position, stage=left.stage, refusal=self._scrub.text(refusal))
            self._journal.resumed(item)
        if after is not None:
            storage_state: Mapping[str, Any] | None = after.storage_state
            await self._signing_in.pass_over()
        else:
            await self._signing_in.open()
            storage_state = self._signing_in.storage_state
        lease = self._host.lease(
            self._profile,
            self._policy,
            storage_state=storage_state,
            alone=self._spec.alone,
            meter=self._meter,
        )
        async with lease as context:
            ended = await self._in_context(context, after)
        await self._keeper.finished()
        return ended

    async def _in_context(self, context: BrowserContext, after: Checkpoint | None) -> AttemptResult:
        browser = context.browser
        self._browser["version"] = browser.version if browser else ""
        self._mask_from_the_start(after)
        verdicts = self._host.verdicts(context)
        self._bounds.why_crashed = lambda: self._host.why_crashed(context, self._spec.limits)
        windows = Windows(context, replace(self._policy, verdict=verdicts.about), self._bounds)
        dialogs = Dialogs(context, self._keeper.console, self._supervisor.note, self._bounds)
        try:
            await self._profile.guard(context)
            await self._keeper.begin(context, verdicts)
            surface = await self._first_window(context, windows)
            self._supervisor.new_windows = NewWindows(
                context, windows, declared=self._recoveries.new_window, note=self._supervisor.note
            )
            page = Page(self._supervisor, surface, windows, dialogs)
            result = self._scrub.json(await self._course.run(page, surface, context, after))
        except StartOver:
            raise
        except (asyncio.CancelledError, AttemptStopped) as order:
            own = order.reason if isinstance(order, AttemptStopped) else "cancelled"
            reason = self._stop_reason or own
            ended = self._parked() if reason == PARKED else self._stopped(reason)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - an automation may raise anything; all of it is a failure
            failure = failure_of(error, self._automation)
            if isinstance(failure, BadResultError) and failure.rejected:
                self._keeper.rejected(failure.rejected, stage=self._supervisor.stage)
            ended = await self._failed_in(context, failure)
        else:
            ended = AttemptResult(
                outcome=Outcome.SUCCEEDED,
                result=result,
                browser=self._browser,
                **self._spent(),
            )
        self._ending = True
        if not self._abandoned:
            await self._keep_the_rest(context, ended)
        return ended

    def _mask_from_the_start(self, after: Checkpoint | None) -> None:
        """Mask pictures before anything is typed, where a page may show a secret all the same."""
        if after is not None and self._scrub.redactor:
            # What an earlier attempt typed may be on the pages that come back.
            self._keeper.camera.secret_was_typed([after.url])
        if (basic := self._spec.automation.profile.http_basic) is not None:
            # Its site is told with the first request who signs in.
            self._keeper.camera.secret_was_typed([basic.origin])

    async def _first_window(self, context: BrowserContext, windows: Windows) -> Surface:
        try:
            return await windows.open()
        except BrowserCrashError:
            self._host.distrust(context)
            raise

    async def _keep_the_rest(self, context: BrowserContext, ended: AttemptResult) -> None:
        """Keep what belongs to the end; each capture has its own time limit, so this is bounded."""
        surface = self._supervisor.last_surface
        if ended.outcome in (Outcome.FAILED, Outcome.STOPPED):
            if surface is not None:
                await self._keeper.failure(
                    surface, index=self._supervisor.last_index, stage=self._supervisor.stage
                )
            await self._course.close(surface.url if surface else "")
        await self._keeper.finish(context)

    def _stop_soon(self, act_seconds: float) -> None:
        if act_seconds and self._supervisor.is_acting and self._loop is not None:
            self._loop.call_later(act_seconds, self._cancel)
        else:
            self._cancel()

    def _cancel(self) -> None:
        if self._task is not None and (self._abandoned or not self._ending):
            self._task.cancel()

    def _spent(self) -> dict[str, Any]:
        budget = self._budget
        return {
            "steps": budget.steps_spent,
            "vision_steps": budget.vision_steps_spent,
            "model_tokens": budget.model_tokens_spent,
        }

    def _parked(self) -> AttemptResult:
        """Ended on purpose: the stage under way stays open, for another attempt takes it up again."""
        return AttemptResult(
            outcome=Outcome.PARKED,
            parked=self._asking.open or self._course.waits_for or self._signing_in.waits_for,
            browser=self._browser,
            **self._spent(),
        )

    def _stopped(self, reason: str) -> AttemptResult:
        timed_out = reason == "deadline"
        message = (
            f"The attempt did not finish within its {self.deadline_seconds:.0f} seconds."
            if timed_out
            else f"The attempt was stopped: {reason}."
        )
        failure = AttemptFailure(
            kind=FailureKind.TIMEOUT if timed_out else FailureKind.CANCELLED,
            message=message,
            permanent=not timed_out,
            stage=self._supervisor.stage,
            step_index=self._supervisor.last_index,
        )
        return AttemptResult(
            outcome=Outcome.STOPPED,
            stop_reason=reason,
            failure=failure,
            browser=self._browser,
            **self._spent(),
        )

    async def _failed_in(self, context: BrowserContext, error: WebGraphError) -> AttemptResult:
        """The failure of an attempt that had a browser: whatever it saw when that went away, this was why."""
        if not await _is_lost(context):
            return self._failed(error)
        crash = error.kind is FailureKind.BROWSER_CRASH
        return self._failed(
            error if crash else BrowserCrashError("The browser went away."),
            lost_with_others=await self._host.lost_with_others(context),
        )

    def _failed(self, error: WebGraphError, *, lost_with_others: bool = False) -> AttemptResult:
        failure = AttemptFailure(
            kind=error.kind,
            message=self._scrub.text(str(error))[:_LONGEST_MESSAGE],
            permanent=error.permanent,
            stage=self._supervisor.stage,
            step_index=self._supervisor.last_index,
            retry_after_seconds=error.retry_after_seconds,
            lost_with_others=lost_with_others,
        )
        return AttemptResult(
            outcome=Outcome.FAILED,
            failure=failure,
            browser=self._browser,
            **self._spent(),
        )


async def _is_lost(context: BrowserContext) -> bool:
    """Whether the browser is gone. What happens in it breaks off a moment before its own end is told, so it is asked."""
    browser = context.browser
    if browser is None:
        return False
    gone = asyncio.Event()
    browser.on("disconnected", lambda _: gone.set())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SETTLING_SECONDS):
            try:
                await context.cookies()
            except PlaywrightError:
                if browser.is_connected():  # or the automation itself closed the context
                    await gone.wait()
    return not browser.is_connected()


def _sight_of(spec: AttemptSpec) -> dict[str, Any]:
    """What the attempt may spend on sight."""
    declared = spec.automation
    return {
        "vision_steps": declared.vision_steps if spec.vision_steps is None else spec.vision_steps,
        "model_tokens": declared.model_tokens if spec.model_tokens is None else spec.model_tokens,
    }
