"""Carries out one step after the other: intent, target, act, post-condition, outcome."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from infra_shared.clock import monotonic, utc_now
from infra_shared.log_context import bound
from webgraph.bindings import Bindings
from webgraph.changes import Changes
from webgraph.conditions import downloads, requested
from webgraph.errors import (
    AttemptStopped,
    StepTimeoutError,
    TargetAmbiguousError,
    TargetNotFoundError,
    WrongPageError,
)
from webgraph.escalation import Finder
from webgraph.failures import classify, is_stale
from webgraph.fingerprint import key_of
from webgraph.healing import heal_of
from webgraph.keystrokes import Keystrokes
from webgraph.overrides import Overrides
from webgraph.recorder import Heal, StepIntent, StepOutcome
from webgraph.step_plan import Act, StepClock
from webgraph.workers.base import Need

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from webgraph.asking import Asking
    from webgraph.budget import Budget
    from webgraph.codes import Codes
    from webgraph.conditions import Condition
    from webgraph.errors import WebGraphError
    from webgraph.evidence.keeper import EvidenceKeeper
    from webgraph.evidence.scrub import Scrub
    from webgraph.journal import Journal
    from webgraph.new_windows import NewWindows
    from webgraph.recovery import Recoveries
    from webgraph.step_plan import StepPlan
    from webgraph.surface import Surface
    from webgraph.target import Target
    from webgraph.workers.base import Actor, Worker

T = TypeVar("T")

# What Playwright's own timeouts leave open (a hung renderer answers nothing) is cut this much later.
_GRACE_SECONDS = 2.0
_PARSE_SECONDS = 10.0
# What a page writes is shown to people: so much of it tells them as much as all of it.
_LONGEST_URL = 4_000
_LONGEST_MESSAGE = 2_000
# These do not wait for what they look for, so the page's own scripts are given their time before.
_LOOKS_ONCE = frozenset({"count", "is_visible"})
# Something in the way may appear while a target is waited for: time is kept for a second try without it.
_SHARE_BEFORE_RECOVERY = 0.6
# A server's error page is whole when it is there; what an automation expects on it is there soon or not at all.
_ERROR_PAGE_SECONDS = 1.0
# What a step runs into when the page it works on is not the site's own but an error page in its place.
_ON_AN_ERROR_PAGE = (StepTimeoutError, TargetNotFoundError, WrongPageError)


class Supervisor:
    """Owns the plan of one step at a time, the budget, and the record of both. One for each attempt."""

    def __init__(  # noqa: PLR0913 - the parts of one attempt, put together in one place
        self,
        *,
        workers: Sequence[Worker],
        budget: Budget,
        journal: Journal,
        scrub: Scrub,
        keeper: EvidenceKeeper,
        step_timeout_seconds: float,
        automation: str = "",
        fingerprints: Mapping[str, Mapping[str, Any]] | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        recoveries: Recoveries | None = None,
    ) -> None:
        self._workers = workers
        self._budget = budget
        self._journal = journal
        self._step_timeout_seconds = step_timeout_seconds
        self._automation = automation
        self._fingerprints = fingerprints or {}
        self._overrides = Overrides(automation, overrides)
        self._recoveries = recoveries
        self.scrub = scrub
        self.keeper = keeper
        self.keystrokes = Keystrokes(scrub)
        self.asking: Asking | None = None
        self.codes: Codes | None = None
        self.bindings = Bindings({}, {})
        self.new_windows: NewWindows | None = None
        self._notes: list[dict[str, Any]] = []
        self.stage = ""
        self.stop_reason: str | None = None
        self.is_acting = False
        self.last_index: int | None = None
        self.last_surface: Surface | None = None

    async def step(self, surface: Surface, plan: StepPlan, act: Callable[[Act], Awaitable[T]]) -> T:
        """Carry out one step and return what the act returned.

        Whatever goes wrong is reported as the step's outcome and raised as a WebGraphError.
        """
        if self.stop_reason is not None:  # an automation that swallowed the stop gets no further
            raise AttemptStopped(self.stop_reason)
        index = self._budget.take_step()
        self.last_index, self.last_surface = index, surface
        surface.forget_refusal()
        with bound(step=index):
            return await self._recorded(index, surface, plan, act)

    async def _recorded(
        self, index: int, surface: Surface, plan: StepPlan, act: Callable[[Act], Awaitable[T]]
    ) -> T:
        await self._begin(self._intent(index, surface, plan))
        finder = self._finder(self._fingerprints.get(self._key(plan)))
        finder.decisions += self._noted()
        started = monotonic()
        try:
            value = await self._carry_out(surface, plan, act, finder, index)
        except asyncio.CancelledError:
            stopped = AttemptStopped("cancelled", "The attempt was stopped during this step.")
            self._finish(index, surface, plan, finder, started, failure=stopped)
            raise
        except Exception as error:
            failure = _explained(
                classify(
                    error,
                    window_closed=surface.window_closed,
                    proxied=surface.proxied,
                    unreached=surface.why_unreached(),
                ),
                surface,
            )
            self._finish(index, surface, plan, finder, started, failure=failure)
            if failure is error:
                raise
            raise failure from error
        finally:
            self.is_acting = False
        self._finish(index, surface, plan, finder, started, failure=None)
        return value

    async def _begin(self, intent: StepIntent) -> None:
        """Report the step; when it is forbidden, no other one is begun before the order to stop has come this far."""
        try:
            await self._journal.step_started(intent)
        except AttemptStopped as order:
            self.stop_reason = self.stop_reason or order.reason
            raise

    async def _carry_out(
        self,
        surface: Surface,
        plan: StepPlan,
        act: Callable[[Act], Awaitable[T]],
        finder: Finder,
        index: int,
    ) -> T:
        seconds = min(plan.timeout_seconds or self._step_timeout_seconds, self._budget.seconds_left)
        clock = StepClock(seconds)
        longest = min(seconds + plan.wait_seconds, self._budget.seconds_left)
        document = surface.document
        condition = _armed(plan.then, surface)
        async with surface.limit(longest + _GRACE_SECONDS):
            changes = Changes.before(surface, plan.action, framed=plan.framed)

            async def then_act(it: Act) -> T:
                await changes.seen()  # asked before the target was looked for, which takes longer
                return await act(it)

            try:
                value = await self._find_and_act(surface, plan, then_act, finder, clock, index)
            except Exception as error:
                # An act that failed because its navigation was refused says so, not what the browser made of it.
                surface.raise_if_refused()
                if not (plan.reads and is_stale(error)):
                    raise
                value = await self._find_and_act(surface, plan, then_act, finder, clock, index)
            surface.raise_if_refused()
            if self.new_windows is not None:
                await self.new_windows.settled()
            broken = surface.document_failure() if surface.document is not document else None
            if condition is not None:
                left = min(clock.left, _ERROR_PAGE_SECONDS) if broken else clock.left
                # A finder of its own: what the condition looks at is not what the step acted on.
                await condition.wait(surface, self._finder(), left)
            elif broken is not None and plan.changes:
                raise broken
            await changes.judge(finder, condition, wanted=str(plan.target), seconds_left=clock.left)
        return value

    async def _find_and_act(
        self,
        surface: Surface,
        plan: StepPlan,
        act: Callable[[Act], Awaitable[T]],
        finder: Finder,
        clock: StepClock,
        index: int,
    ) -> T:
        actor = None
        patience = min(clock.left, _PARSE_SECONDS)
        if plan.reads and plan.target is not None:  # what is read of half a document is half of it
            await surface.whole(patience)
        elif plan.action in _LOOKS_ONCE:
            await surface.parsed(patience)
        if plan.target is not None:
            actor = await self._find(plan.target, surface, plan, finder, clock)
        if not plan.reads:
            await self.keeper.before_act(surface, index=index, stage=self.stage)
        if plan.target is not None and actor is not None and not finder.as_written:
            finder.heal = await self._healed(plan.target, actor, surface)
        self.is_acting = not plan.reads
        return await act(Act(actor=actor, clock=clock, finder=finder, index=index))

    async def _find(
        self, target: Target, surface: Surface, plan: StepPlan, finder: Finder, clock: StepClock
    ) -> Actor:
        """The target; what is declared to stand in the way is put aside first, and once more when it is not found."""
        if not self._recoveries or plan.reads:
            return await finder.find(target, surface, plan.need, clock.left)
        await self._clear(target, surface, finder)
        try:
            return await finder.find(target, surface, plan.need, clock.left * _SHARE_BEFORE_RECOVERY)
        except (TargetNotFoundError, TargetAmbiguousError):
            if not await self._clear(target, surface, finder):
                raise
        return await finder.find(target, surface, plan.need, clock.left)

    async def _clear(self, target: Target, surface: Surface, finder: Finder) -> bool:
        assert self._recoveries is not None
        done = await self._recoveries.clear(surface, self._finder(), wanted=target)
        if done is not None:
            finder.decisions.append(done)
        return done is not None

    async def sees(self, target: Target) -> bool:
        """Whether anything that fits the target is visible in the window of the last step. No step."""
        if self.last_surface is None:
            return False
        try:
            return bool(await self._finder().matches(target, self.last_surface))
        except TargetNotFoundError:
            return False  # no tier can look for it now

    def window_expected(self) -> AbstractContextManager[None]:
        """Inside the block a window that opens is asked for."""
        return self.new_windows.expected() if self.new_windows else nullcontext()

    def note(self, decision: dict[str, Any]) -> None:
        """Keep what was done about something unexpected with the step at hand, or with the next one between steps."""
        self._notes.append(decision)

    def _noted(self) -> list[dict[str, Any]]:
        notes, self._notes = self._notes, []
        return notes

    async def _healed(self, target: Target, actor: Actor, surface: Surface) -> Heal | None:
        """How the target could be written, asked while its element is in hand: the act may make it go away."""
        key = key_of(self._automation, self.stage, target)
        return await heal_of(target, actor, surface.page, key=key, holds_secret=self.scrub.holds_secret)

    def _finder(self, known: Mapping[str, Any] | None = None) -> Finder:
        return Finder(
            self._workers, self._budget, known, lambda target: self._overrides.applied(self.stage, target)
        )

    def _key(self, plan: StepPlan) -> str:
        """The key of the step's fingerprint; what is only read has none, as its text is its value."""
        if plan.target is None or plan.need is Need.SEE:
            return ""
        return key_of(self._automation, self.stage, plan.target)

    def _intent(self, index: int, surface: Surface, plan: StepPlan) -> StepIntent:
        if self.scrub.holds_secret(plan.description):
            self.keeper.secret_was_typed(surface)
        target: dict[str, Any] | None = plan.target.as_json() if plan.target else None
        return StepIntent(
            index=index,
            stage=self.stage,
            action=plan.action,
            description=self.scrub.text(plan.description),
            target=self.scrub.json(target),
            url=self._shown_url(surface),
            started_at=utc_now(),
        )

    def _shown_url(self, surface: Surface) -> str:
        """Where the page is, without secrets; a page may make its address two megabytes long."""
        return self.scrub.text(surface.url)[:_LONGEST_URL]

    def _finish(
        self,
        index: int,
        surface: Surface,
        plan: StepPlan,
        finder: Finder,
        started: float,
        *,
        failure: WebGraphError | None,
    ) -> None:
        finder.decisions += self._noted()
        self._journal.step_finished(
            StepOutcome(
                index=index,
                succeeded=failure is None,
                finished_at=utc_now(),
                duration_seconds=round(monotonic() - started, 4),
                url=self._shown_url(surface),
                tier=finder.tier,
                failure_kind=failure.kind if failure else None,
                message=self.scrub.text(str(failure))[:_LONGEST_MESSAGE] if failure else "",
                decisions=tuple(self.scrub.json(item) for item in finder.decisions),
                changed=finder.changed,
                fingerprint=self.scrub.json(finder.seen) if finder.seen and not failure else None,
                fingerprint_key=self._key(plan) if finder.seen and not failure else "",
                heal=_scrubbed(finder.heal, self.scrub) if finder.heal and not failure else None,
            )
        )
        if not isinstance(failure, AttemptStopped):
            # A download leaves the page as it is; should it not, its document differs and is pictured anew.
            self.keeper.after_step(
                surface,
                index=index,
                stage=self.stage,
                only_looked=plan.reads or plan.action == "download",
                failed=failure is not None,
            )


def _scrubbed(heal: Heal, scrub: Scrub) -> Heal:
    return Heal(key=heal.key, old=scrub.json(heal.old), new=scrub.json(heal.new), seen=scrub.json(heal.seen))


def _armed(condition: Condition | None, surface: Surface) -> Condition | None:
    """The condition, which listens from now on where it is about something that happens."""
    return condition.armed(surface) if isinstance(condition, requested | downloads) else condition


def _explained(failure: WebGraphError, surface: Surface) -> WebGraphError:
    """The failure, or what lies behind it: a crash, a limit, or an error page, where nothing is where it should be."""
    if surface.ended is not None and not isinstance(failure, AttemptStopped):
        return surface.ended
    if isinstance(failure, _ON_AN_ERROR_PAGE):
        return surface.document_failure() or failure
    return failure
