"""Looks for targets on one page, without acting: which tier finds each, and what every asked tier saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.budget import Budget
from webgraph.errors import TargetAmbiguousError, TargetNotFoundError
from webgraph.escalation import Finder
from webgraph.evidence.camera import Camera
from webgraph.evidence.scrub import Scrub
from webgraph.failures import classify
from webgraph.surface import Windows
from webgraph.vision.eyes import Eyes
from webgraph.vision.worker import VisionWorker
from webgraph.workers.axtree import AxTreeWorker
from webgraph.workers.base import Need
from webgraph.workers.dom import DomWorker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webgraph.browser.host import BrowserHost
    from webgraph.browser.signed_profile import SignedProfile
    from webgraph.named_targets import NamedTarget
    from webgraph.network import AddressPolicy
    from webgraph.surface import Surface
    from webgraph.target import Target
    from webgraph.vision.settings import VisionSettings

# A target is given this long: pages draw themselves late, and most targets of a flow are on other pages.
_SECONDS_EACH = 1.0
_LOAD_SECONDS = 30.0
_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Resolved:
    """What looking for one target gave; `tier` is empty when none found it, and `reason` says why."""

    name: str
    tier: str
    reason: str
    decisions: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OpenPage:
    """The page to look at: a live one, or the HTML of a saved one, which is shown without scripts and network."""

    policy: AddressPolicy
    url: str = ""
    saved_html: str | None = None

    async def open_in(self, surface: Surface) -> None:
        """Show it."""
        if self.saved_html is None:
            await surface.check_address(self.url)
            try:
                await surface.page.goto(self.url, timeout=_LOAD_SECONDS * 1000)
            except PlaywrightError as error:
                told = classify(error, proxied=surface.proxied, unreached=surface.why_unreached())
                raise told from error
            surface.raise_if_refused()
            return
        await surface.page.context.set_offline(True)
        await surface.session.send("Emulation.setScriptExecutionDisabled", {"value": True})
        await surface.page.set_content(self.saved_html, wait_until="domcontentloaded")


async def resolve(
    host: BrowserHost,
    targets: Sequence[NamedTarget],
    *,
    page: OpenPage,
    profile: SignedProfile,
    sight: VisionSettings,
) -> list[Resolved]:
    """Look for each target on a page. Raises what opening the page raises."""
    policy = await profile.policy(page.policy)
    async with host.lease(profile, policy) as context:
        await profile.guard(context)
        told = replace(policy, verdict=host.verdicts(context).about)
        surface = await Windows(context, told).open()
        await page.open_in(surface)
        eyes = Eyes(sight)
        try:
            budget = Budget(steps=len(targets), vision_steps=len(targets), seconds=_LONGEST_SECONDS)
            budget.begin()
            workers = (DomWorker(), AxTreeWorker(), VisionWorker(eyes, Camera(Scrub({})), budget))
            return [await _looked_for(item, Finder(workers, budget), surface, budget) for item in targets]
        finally:
            await eyes.close()


async def _looked_for(item: NamedTarget, finder: Finder, surface: Surface, budget: Budget) -> Resolved:
    if item.target is None:
        return Resolved(item.name, "", f"it needs a value for {', '.join(item.lacks)}", ())
    budget.take_step()  # each target may be looked for by sight
    reason = await _failure(item.target, finder, surface)
    return Resolved(item.name, finder.tier or "", reason, tuple(finder.decisions))


async def _failure(target: Target, finder: Finder, surface: Surface) -> str:
    try:
        await finder.find(target, surface, Need.SEE, _SECONDS_EACH)
    except (TargetNotFoundError, TargetAmbiguousError) as error:
        return str(error)
    return ""
