"""The vision tier: finds by visible text, by description or by position in a picture of the page, or it abstains."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from infra_shared.clock import monotonic
from infra_shared.retries import PERMANENT, Failure, RetryPolicy, call_async
from webgraph.errors import TargetNotFoundError
from webgraph.evidence.masking import Box
from webgraph.fingerprint import SIGHT, compare
from webgraph.quiet import command, quietly
from webgraph.recorder import Tier
from webgraph.vision.actor import CONTROLS, THING_AT, VisionActor
from webgraph.vision.choosing import Choice, choose, choose_point, fitting
from webgraph.vision.sighting import Findings, Picture, Sighting, TokensSpentError, VisionError, Wanted
from webgraph.workers.base import Insufficiency, Need, Resolution

if TYPE_CHECKING:
    from webgraph.budget import Budget
    from webgraph.evidence.camera import Camera
    from webgraph.target import Target
    from webgraph.vision.eyes import Eyes
    from webgraph.workers.base import Actor, Candidate, Scope

_LOOK_AGAIN_SECONDS = 0.3
_UNTOLD = "what is looked for holds a secret, which is shown in no picture and told to no model"
_BUDGET = "the attempt's vision steps or model tokens are spent"
# A page that shows several, or something unlike, is given this long to finish drawing.
_SETTLE_SECONDS = 1.0
# The provider says itself when it wants to be asked again; the looks are bounded by the attempt's budget.
_PROVIDER = RetryPolicy(longest_pause=timedelta(0))


_SEEN_AT = f"""place => {{
  const found = ({THING_AT})(place);
  return found && ({SIGHT})(found.closest({CONTROLS!r}) ?? found);
}}"""


class _Blind(Exception):  # noqa: N818 - a reason, not an error
    """Nothing could be seen: what to tell, and when another try is worth it."""

    def __init__(self, reason: Insufficiency, why: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


def _judged(error: BaseException) -> Failure:
    wait = error.retry_after_seconds if isinstance(error, _Blind) else None
    return PERMANENT if wait is None else Failure(retryable=True, not_before=timedelta(seconds=wait))


@dataclass(slots=True)
class _Spent:
    """What looking for one target took, for its decision."""

    provider: str = ""
    tokens: int = 0
    why: str = ""

    def as_facts(self) -> dict[str, Any]:
        facts = {"provider": self.provider, "model_tokens": self.tokens, "why": self.why}
        return {name: value for name, value in facts.items() if value}


class VisionWorker:
    """Looks at the visible area as a person does. One for each attempt.

    Pictures are masked as stored ones are, before anybody reads them. Only the visible area is looked at.
    """

    tier = Tier.VISION

    def __init__(self, eyes: Eyes, camera: Camera, budget: Budget) -> None:
        self._eyes = eyes
        self._camera = camera
        self._budget = budget

    def can_try(self, target: Target) -> bool:
        """Whether the target says anything about what is to be seen."""
        return target.has_vision

    async def resolve(self, target: Target, scope: Scope) -> Resolution:
        """The one thing that fits; waits for it up to the timeout. A picture that stays the same is read once."""
        started = monotonic()
        deadline = started + scope.timeout_seconds
        spent = _Spent()
        choice = await self._choice(target, scope, spent, deadline)
        while choice.chosen is None and monotonic() + _LOOK_AGAIN_SECONDS < deadline:
            if choice.reason in {Insufficiency.BUDGET, Insufficiency.UNAVAILABLE}:
                break
            if choice.reason is not Insufficiency.NONE:
                deadline = min(deadline, monotonic() + _SETTLE_SECONDS)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            choice = await self._choice(target, scope, spent, deadline)
        if choice.chosen is not None and await _is_stranger(choice.chosen, scope):
            choice = Choice(choice.candidates, reason=Insufficiency.MISMATCH)
        actor: Actor | None = VisionActor(scope.page, choice.chosen) if choice.chosen else None
        return Resolution(
            tier=self.tier,
            actor=actor,
            insufficient=choice.reason,
            candidates=choice.candidates,
            milliseconds=(monotonic() - started) * 1000,
            facts=spent.as_facts(),
        )

    async def matches(self, target: Target, scope: Scope) -> tuple[Candidate, ...]:
        """Everything that fits now. Raises TargetNotFoundError when nobody can look: not seen is not gone."""
        wanted = wanted_of(target)
        try:
            picture, findings = await self._look(wanted, scope, _Spent())
        except _Blind as blind:
            msg = f"{target} cannot be looked for by sight: {blind}."
            raise TargetNotFoundError(msg) from blind
        if target.visible_text or target.description:
            return fitting(wanted, findings)
        return _chosen(target, wanted, picture, findings).candidates

    async def _choice(self, target: Target, scope: Scope, spent: _Spent, deadline: float) -> Choice:
        """The choice in one picture; a provider that asks to wait is asked once more when there is time for it."""
        if scope.need is Need.EXIST:
            spent.why = "what is not visible, or is given files, is no matter of sight"
            return Choice((), reason=Insufficiency.HIDDEN)
        wanted = wanted_of(target)
        policy = replace(_PROVIDER, within=timedelta(seconds=max(deadline - monotonic(), 0)))
        try:
            picture, findings = await call_async(
                lambda: self._look(wanted, scope, spent), policy=policy, judge=_judged
            )
        except _Blind as blind:
            spent.why = str(blind)
            return Choice((), reason=blind.reason)
        spent.why = ""
        return _chosen(target, wanted, picture, findings)

    async def _look(self, wanted: Wanted, scope: Scope, spent: _Spent) -> tuple[Picture, Findings]:
        """One look, paid for."""
        if any(map(self._camera.holds_secret, (wanted.text, wanted.near, wanted.description))):
            raise _Blind(Insufficiency.UNAVAILABLE, _UNTOLD)
        if not self._budget.take_look():
            raise _Blind(Insufficiency.BUDGET, _BUDGET)
        picture = await self._picture(scope)
        if wanted == Wanted():
            return picture, Findings("", (), reads=False)
        try:
            findings = await self._eyes.look(picture, wanted, may_spend=self._budget.may_ask_model)
        except TokensSpentError as error:
            raise _Blind(Insufficiency.BUDGET, _BUDGET) from error
        except VisionError as error:
            self._pay(error.tokens, spent)
            raise _Blind(Insufficiency.UNAVAILABLE, str(error), error.retry_after_seconds) from error
        spent.provider = findings.provider
        self._pay(findings.tokens, spent)
        return picture, findings

    def _pay(self, tokens: int, spent: _Spent) -> None:
        self._budget.take_tokens(tokens)
        spent.tokens += tokens

    async def _picture(self, scope: Scope) -> Picture:
        surface = scope.surface
        assert surface is not None  # the finder always gives it
        metrics = await command(surface.page, surface.session, "Page.getLayoutMetrics")
        width = float(metrics["cssVisualViewport"]["clientWidth"]) or 1.0
        return Picture.of(await self._camera.png(surface), viewport_width=width)


async def _is_stranger(chosen: Sighting, scope: Scope) -> bool:
    """Whether the document shows another control there than the one used before; paint tells nothing."""
    if scope.known is None:
        return False
    page, place = scope.page, list(chosen.middle)
    seen = await quietly(page, lambda: page.evaluate(_SEEN_AT, place))
    return seen is not None and not compare(scope.known, seen).same


def wanted_of(target: Target) -> Wanted:
    """What a provider is asked for: the thing itself, or for a position the text it should be near, if any."""
    if target.visible_text or target.description:
        return Wanted(target.visible_text or "", target.near or "", target.description or "")
    return Wanted(target.near or "")


def _chosen(target: Target, wanted: Wanted, picture: Picture, findings: Findings) -> Choice:
    if target.visible_text or target.description:
        return choose(wanted, findings)
    assert target.position is not None  # has_vision
    width, height = picture.viewport
    x, y = target.position[0] * width, target.position[1] * height
    point = Sighting(str(target), Box(x - 0.5, y - 0.5, 1, 1), 1.0)
    return choose_point(point, wanted.text, replace(findings, reads=True))
