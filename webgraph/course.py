"""The stages of one attempt, one after the other: from the first, or from where an earlier attempt left off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from infra_shared.clock import utc_now
from infra_shared.redaction import MASK
from webgraph.asking import PARKED
from webgraph.checkpoint import capture, reopen, what_differs
from webgraph.errors import (
    AttemptStopped,
    AutomationBugError,
    BrowserCrashError,
    TargetAmbiguousError,
    TargetNotFoundError,
    WebGraphError,
    WrongPageError,
)
from webgraph.network import without_sign_in
from webgraph.page_mark import place_of
from webgraph.recorder import Effect, Happened, Resumed, StageEnd, StageStart, Undecided
from webgraph.recovery import SignInAgain, recovered
from webgraph.step_plan import StepPlan
from webgraph.verdicts import validated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import BrowserContext

    from webgraph.asking import Asking
    from webgraph.checkpoint import Checkpoint
    from webgraph.evidence.keeper import EvidenceKeeper
    from webgraph.evidence.scrub import Scrub
    from webgraph.flow import Automation, Stage
    from webgraph.journal import Journal
    from webgraph.page import Page
    from webgraph.signing_in import SigningIn
    from webgraph.step_plan import Act
    from webgraph.supervisor import Supervisor
    from webgraph.surface import Surface


class StartOver(Exception):  # noqa: N818 - an order, not an error
    """The attempt cannot go on after its checkpoint; the message says why."""


class Course:
    """Runs the stages in one browser context after another, until one carries them to their end."""

    def __init__(  # noqa: PLR0913 - it is put together of that many parts
        self,
        automation: Automation,
        *,
        supervisor: Supervisor,
        journal: Journal,
        keeper: EvidenceKeeper,
        scrub: Scrub,
        asking: Asking,
        signing_in: SigningIn,
    ) -> None:
        self._automation = automation
        self._stages = automation.stages()
        self._supervisor = supervisor
        self._journal = journal
        self._keeper = keeper
        self._scrub = scrub
        self._asking = asking
        self._signing_in = signing_in
        self._session_storage: dict[str, dict[str, str]] = {}
        self._position = 0
        self._may_sign_in_again = True
        self.waits_for: Undecided | None = None
        """What happened or did not happen elsewhere, where the attempt has to wait to hear it."""

    def misfit(self, checkpoint: Checkpoint) -> str:
        """Why this automation cannot go on after a checkpoint; empty when it can."""
        at = checkpoint.position
        if not self._automation.resume:
            return "the automation is not resumed"
        if not 0 < at < len(self._stages) or self._stages[at - 1].name != checkpoint.stage:
            return "the stages have changed"
        try:
            type(self._automation.state).model_validate(checkpoint.state)
        except ValidationError:
            return "its state does not fit any more"
        return ""

    async def run(
        self, page: Page, surface: Surface, context: BrowserContext, after: Checkpoint | None
    ) -> dict[str, Any] | None:
        """Run the stages, those after the checkpoint where there is one, and return the result.

        None when the last stage happened earlier and left no result. Raises StartOver before anything was done when
        the checkpoint's page is not to be had again.
        """
        signed_in = False
        if after is not None:
            await self._go_on(after, page, surface)
        else:
            signed_in = await self._signing_in.restore(page, surface, context)
        value: Any = None
        known = True
        for position, stage in enumerate(self._stages, start=1):
            left_out = signed_in and self._signing_in.is_login(stage.name)
            if not left_out and (after is None or position > after.position):
                value, known = await self._stage(position, stage, page, surface, context)
        return validated(self._automation, value) if known else None

    async def close(self, url: str) -> None:
        """Report the stage under way as failed, if there is one."""
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

    async def _go_on(self, after: Checkpoint, page: Page, surface: Surface) -> None:
        stage = self._stages[after.position - 1]
        if page.url != after.url:  # it is empty still, and so it was where no stage had opened anything
            words = f"Go on after “{stage.title}”"
            try:
                await self._open(surface, words, after.url, after.page, after.session_storage)
            except (AttemptStopped, BrowserCrashError):
                raise
            except WebGraphError as error:
                await self._keeper.settled()
                raise StartOver(str(error)) from error
        # Only now: an attempt that starts over begins with nothing of the earlier one.
        self._automation.state = type(self._automation.state).model_validate(after.state)
        self._session_storage = {origin: dict(items) for origin, items in after.session_storage.items()}
        self._supervisor.bindings.opened |= set(after.opened)
        self._journal.resumed(Resumed(position=after.position, stage=after.stage))

    async def _open(
        self,
        surface: Surface,
        words: str,
        url: str,
        mark: Mapping[str, Any],
        session_storage: Mapping[str, Any],
    ) -> None:
        """Open the page a stage ended at, as a step of its own; WrongPageError when it is another one now."""

        async def act(it: Act) -> None:
            await surface.check_address(url)
            await reopen(surface.page, url, session_storage, timeout_seconds=it.clock.left)
            surface.raise_if_refused()
            found = await what_differs(surface.page, mark)
            if found:
                msg = f"The page is not the one that was left: {found}."
                raise WrongPageError(msg, permanent=True)

        plan = StepPlan(
            action="resume", description=f"{words}: open {without_sign_in(place_of(url))}", changes=True
        )
        await self._supervisor.step(surface, plan, act)

    async def _stage(
        self, position: int, stage: Stage, page: Page, surface: Surface, context: BrowserContext
    ) -> tuple[Any, bool]:
        """What one stage returned, and whether that is known: of a commit that happened earlier it may not be."""
        self._supervisor.stage = stage.name
        effect = stage.effect or Effect.COMMIT
        start = StageStart(
            position=position,
            name=stage.name,
            effect=effect,
            started_at=utc_now(),
            effect_key=self._effect_key(stage),
        )
        is_last = position == len(self._stages)
        answer = await self._journal.stage_started(start)
        if isinstance(answer, Undecided):
            self.waits_for = answer
            raise AttemptStopped(PARKED, f"It waits to hear {answer.where}.")
        if isinstance(answer, Happened):
            await self._leave_out(stage, answer, surface, is_last=is_last)
            return answer.value, answer.value is not None
        self._position = position
        self._asking.begin_stage(stage.name, effect)
        value = await self._plan(stage, page, surface, context)
        if self._asking.open is not None:  # the automation swallowed the order to end
            raise AttemptStopped(PARKED)
        await self._finish(position, stage, value, surface, None if is_last else context)
        return value, True

    def _effect_key(self, stage: Stage) -> str:
        """The key a stage names; AutomationBugError when it holds a secret.

        Keys are kept in the open, for as long as commits count, and are compared between runs. A digest of one would be
        that secret to whoever guesses, and whether it is taken would depend on which secrets a run happens to have.
        """
        key = self._automation.effect_key_of(stage)
        if MASK in key or self._scrub.holds_secret(key):
            msg = (
                f"The effect_key of the stage {stage.name!r} holds a secret of this run. Keys are kept to be compared: "
                "name what the stage does once by something that everybody may see, such as the order's number."
            )
            raise AutomationBugError(msg)
        return key

    async def _leave_out(self, stage: Stage, happened: Happened, surface: Surface, *, is_last: bool) -> None:
        """Take what a commit left behind that happened earlier, and open the page it ended at."""
        if happened.state is not None:
            self._automation.state = type(self._automation.state).model_validate(happened.state)
        if not is_last and happened.page is not None and surface.url != happened.url:
            words = f"Leave out “{stage.title}”, which happened {happened.where}"
            await self._open(surface, words, happened.url, happened.page, self._session_storage)

    async def _finish(
        self, position: int, stage: Stage, value: Any, surface: Surface, context: BrowserContext | None
    ) -> None:
        await self._keeper.settled()
        state = self._automation.state.model_dump(mode="json")
        end = StageEnd(
            position=position,
            name=stage.name,
            succeeded=True,
            finished_at=utc_now(),
            url=self._scrub.text(surface.url),
            state=state,
            value=_as_json(value) if context is None else None,
        )
        if context is not None and self._automation.resume:
            end = replace(end, checkpoint=await self._checkpoint(end, surface, context))
        self._position = 0
        await self._journal.stage_finished(end)
        self._keeper.stage_state(state, position=position, stage=stage.name)

    async def _checkpoint(
        self, end: StageEnd, surface: Surface, context: BrowserContext
    ) -> Checkpoint | None:
        """The checkpoint of a finished stage; without one, a later attempt goes on after an earlier stage."""
        try:
            left = await capture(
                surface.page,
                context,
                position=end.position,
                stage=end.name,
                state=end.state or {},
                seen=self._session_storage,
            )
            return replace(left, opened=sorted(self._supervisor.bindings.opened))
        except (PlaywrightError, TimeoutError) as error:
            self._keeper.no_checkpoint(error, stage=end.name)
            return None

    async def _run(self, stage: str, page: Page, surface: Surface, context: BrowserContext) -> Any:
        """What a stage returned; one that signs in for a session is run as that needs it, and returns nothing."""
        if not self._signing_in.is_login(stage):
            return await self._automation.run_stage(stage, page)
        await self._signing_in.sign_in(
            lambda: self._automation.run_stage(stage, page), page, surface, context
        )
        return None

    async def _plan(self, stage: Stage, page: Page, surface: Surface, context: BrowserContext) -> Any:
        """What the stage returned: at once, after signing in again, or on its other way to the same end."""
        state = self._automation.state.model_copy(deep=True)
        try:
            return await self._run(stage.name, page, surface, context)
        except (TargetNotFoundError, TargetAmbiguousError, WrongPageError) as error:
            again = await self._signed_out(stage)
            missing = not isinstance(error, WrongPageError)
            if again is None and not (missing and stage.instead and stage.effect is not Effect.COMMIT):
                raise
            how = (
                f"{again.stage}, to be signed in again"
                if again
                else f"{stage.instead} instead of {stage.name}"
            )
            self._supervisor.note(recovered(how, found=True, reason=str(error)))
        self._automation.state = state
        if again is None:
            return await self._automation.run_stage(stage.instead, page)
        self._may_sign_in_again = False
        self._supervisor.stage = again.stage  # so that its steps, and a failed login, are told as its own
        await self._run(again.stage, page, surface, context)
        self._supervisor.stage = stage.name
        return await self._run(stage.name, page, surface, context)

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


def _as_json(value: Any) -> Any:
    """What the last stage returned, as JSON; what is none is told apart when the result is judged."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return to_jsonable_python(value, fallback=str)
