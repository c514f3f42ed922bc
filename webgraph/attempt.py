"""One try at an automation, on the browser's loop: context, stages, evidence, and an orderly end in every case."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra_shared.clock import utc_now
from webgraph.budget import Budget
from webgraph.dialogs import Dialogs
from webgraph.errors import (
    AttemptStopped,
    FailureKind,
    TargetAmbiguousError,
    TargetNotFoundError,
    WrongPageError,
)
from webgraph.evidence.keeper import EvidenceKeeper
from webgraph.evidence.scrub import Scrub
from webgraph.inputs import Inputs
from webgraph.outcome import AttemptFailure, AttemptResult, Outcome
from webgraph.page import Page
from webgraph.recorder import Effect, EvidenceLevel, StageEnd, StageStart
from webgraph.recovery import Recoveries, SignInAgain
from webgraph.supervisor import Supervisor
from webgraph.surface import Windows
from webgraph.verdicts import failure_of, prepared, validated
from webgraph.workers.axtree import AxTreeWorker
from webgraph.workers.dom import DomWorker

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

    from webgraph.browser.host import BrowserHost
    from webgraph.errors import WebGraphError
    from webgraph.flow import Stage
    from webgraph.journal import Journal
    from webgraph.outcome import AttemptSpec

_LONGEST_MESSAGE = 500


class Attempt:
    """Runs once. Made in the calling thread (raises what `prepared` raises), run on the host's loop."""

    def __init__(self, spec: AttemptSpec, host: BrowserHost, journal: Journal) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="attempt-", dir=host.folder))
        self._inputs = Inputs(spec.files, self._scratch / "inputs")
        try:
            self._automation = prepared(spec.automation, spec.params, spec.secrets, self._inputs.files)
        except BaseException:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise
        declared = spec.automation
        self.deadline_seconds = spec.deadline_seconds or declared.deadline.total_seconds()
        self._spec = spec
        self._host = host
        self._journal = journal
        self._scrub = Scrub(spec.secrets)
        self._budget = Budget(seconds=self.deadline_seconds, vision_steps=spec.vision_steps)
        self._keeper = EvidenceKeeper(
            level=spec.evidence or EvidenceLevel(declared.evidence),
            journal=journal,
            scrub=self._scrub,
            scratch=self._scratch,
        )
        self._supervisor = Supervisor(
            workers=spec.workers if spec.workers is not None else (DomWorker(), AxTreeWorker()),
            budget=self._budget,
            journal=journal,
            scrub=self._scrub,
            keeper=self._keeper,
            step_timeout_seconds=spec.step_timeout_seconds or declared.step_timeout.total_seconds(),
            automation=declared.key,
            fingerprints=spec.fingerprints,
            overrides=spec.overrides,
            recoveries=Recoveries(declared.recoveries),
        )
        self._browser: dict[str, Any] = {"profile": declared.profile.as_json()}
        self._position = 0
        self._may_sign_in_again = True
        self._stop_reason: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._ending = False
        self._abandoned = False

    def stop(self, reason: str) -> None:
        """End the attempt soon: no further step, evidence kept, context closed. Callable from any thread."""
        self._stop_reason = self._stop_reason or reason
        self._supervisor.stop_reason = self._stop_reason
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel)

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
            await self._inputs.fetch()
            async with self._host.lease(self._spec.automation.profile) as context:
                return await self._in_context(context)
        except asyncio.CancelledError:
            # Cancelled before there was a context, or once more while it was closed.
            return self._stopped(self._stop_reason or "cancelled")
        except Exception as error:  # noqa: BLE001 - the edge of the loop: whatever it was becomes the attempt's failure
            return self._failed(failure_of(error, self._automation))
        finally:
            await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    async def _in_context(self, context: BrowserContext) -> AttemptResult:
        browser = context.browser
        self._browser["version"] = browser.version if browser else ""
        windows = Windows(context, self._spec.address_policy)
        dialogs = Dialogs(context, self._keeper.console)
        try:
            await self._keeper.begin(context)
            page = Page(self._supervisor, await windows.open(), windows, dialogs)
            result = self._scrub.json(await self._run_stages(page, context))
        except (asyncio.CancelledError, AttemptStopped) as order:
            own = order.reason if isinstance(order, AttemptStopped) else "cancelled"
            reason = self._stop_reason or own
            ended = self._stopped(reason)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - an automation may raise anything; all of it is a failure
            ended = self._failed(failure_of(error, self._automation))
        else:
            ended = AttemptResult(
                outcome=Outcome.SUCCEEDED,
                result=result,
                browser=self._browser,
                steps=self._budget.steps_spent,
            )
        self._ending = True
        if not self._abandoned:
            await self._keep_the_rest(context, ended)
        return ended

    async def _run_stages(self, page: Page, context: BrowserContext) -> dict[str, Any]:
        value: Any = None
        stages = self._automation.stages()
        for position, stage in enumerate(stages, start=1):
            # Behind the last stage there is nothing to resume.
            resumable = context if position < len(stages) else None
            value = await self._run_stage(position, stage, page, resumable)
        return validated(self._automation, value)

    async def _run_stage(
        self, position: int, stage: Stage, page: Page, context: BrowserContext | None
    ) -> Any:
        self._supervisor.stage, self._position = stage.name, position
        effect = stage.effect or Effect.COMMIT
        await self._journal.stage_started(
            StageStart(position=position, name=stage.name, effect=effect, started_at=utc_now())
        )
        value = await self._run_plan(stage, page)
        await self._keeper.settled()
        state = self._automation.state.model_dump(mode="json")
        end = StageEnd(
            position=position,
            name=stage.name,
            succeeded=True,
            finished_at=utc_now(),
            url=self._scrub.text(page.url),
            state=state,
            storage_state=dict(await context.storage_state()) if context else None,
        )
        self._position = 0
        await self._journal.stage_finished(end)
        self._keeper.stage_state(state, position=position, stage=stage.name)
        return value

    async def _run_plan(self, stage: Stage, page: Page) -> Any:
        """What the stage returned: at once, after signing in again, or on its other way to the same end."""
        state = self._automation.state.model_copy(deep=True)
        try:
            return await self._automation.run_stage(stage.name, page)
        except (TargetNotFoundError, TargetAmbiguousError, WrongPageError) as error:
            again = await self._signed_out(stage)
            missing = not isinstance(error, WrongPageError)
            if again is None and not (missing and stage.instead and stage.effect is not Effect.COMMIT):
                raise
        self._automation.state = state
        if again is None:
            return await self._automation.run_stage(stage.instead, page)
        self._may_sign_in_again = False
        await self._automation.run_stage(again.stage, page)
        return await self._automation.run_stage(stage.name, page)

    async def _signed_out(self, stage: Stage) -> SignInAgain | None:
        """How to sign in again, when the page now shown asks for it and this stage may start over."""
        if stage.effect is Effect.COMMIT or not self._may_sign_in_again:
            return None
        for item in self._automation.recoveries:
            if (
                isinstance(item, SignInAgain)
                and item.stage != stage.name
                and await self._supervisor.sees(item.sign)
            ):
                return item
        return None

    async def _keep_the_rest(self, context: BrowserContext, ended: AttemptResult) -> None:
        """Keep what belongs to the end; each capture has its own time limit, so this is bounded."""
        surface = self._supervisor.last_surface
        if ended.outcome is not Outcome.SUCCEEDED:
            if surface is not None:
                await self._keeper.failure(
                    surface, index=self._supervisor.last_index, stage=self._supervisor.stage
                )
            await self._close_stage(surface.url if surface else "")
        await self._keeper.finish(context)

    async def _close_stage(self, url: str) -> None:
        if not self._position:
            return
        end = StageEnd(
            position=self._position,
            name=self._supervisor.stage,
            succeeded=False,
            finished_at=utc_now(),
            url=self._scrub.text(url),
        )
        try:
            await self._journal.stage_finished(end)
        except AttemptStopped:
            return  # nobody keeps it any more, and the attempt is ending anyway

    def _cancel(self) -> None:
        if self._task is not None and (self._abandoned or not self._ending):
            self._task.cancel()

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
            steps=self._budget.steps_spent,
        )

    def _failed(self, error: WebGraphError) -> AttemptResult:
        failure = AttemptFailure(
            kind=error.kind,
            message=self._scrub.text(str(error))[:_LONGEST_MESSAGE],
            permanent=error.permanent,
            stage=self._supervisor.stage,
            step_index=self._supervisor.last_index,
            retry_after_seconds=error.retry_after_seconds,
        )
        return AttemptResult(
            outcome=Outcome.FAILED,
            failure=failure,
            browser=self._browser,
            steps=self._budget.steps_spent,
        )
