"""The DOM tier: selectors in the order they are written, exactly one visible match, or it abstains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from infra_shared.clock import monotonic
from webgraph.quiet import quietly
from webgraph.recorder import Tier
from webgraph.workers.base import Candidate, Insufficiency, Need, Resolution
from webgraph.workers.dom_actor import DomActor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import FrameLocator, Locator, Page

    from webgraph.target import Target
    from webgraph.workers.base import Scope

# An ambiguous match is looked at again for this long: a list that is being redrawn shows old and new for a moment.
_SETTLE_SECONDS = 0.5
_MOST_LOOKED_AT = 50

# One round trip answers for all matches of a selector. Visible as Playwright means it: a box, and not hidden by style.
_LOOK = """elements => elements.slice(0, 50).map(element => {
  const box = element.getBoundingClientRect();
  const words = (element.innerText || element.getAttribute('aria-label') || '').trim().replace(/\\s+/g, ' ');
  const id = element.id ? '#' + element.id : '';
  return {
    visible: box.width > 0 && box.height > 0 && getComputedStyle(element).visibility === 'visible',
    enabled: !element.matches(':disabled') && element.getAttribute('aria-disabled') !== 'true',
    summary: ('<' + element.tagName.toLowerCase() + id + '> ' + words).slice(0, 80).trim(),
  };
})"""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look at the page gave: all candidates, and the locator when exactly one is visible."""

    candidates: tuple[Candidate, ...]
    locator: Locator | None = None
    chosen: Candidate | None = None

    def reason(self, need: Need) -> Insufficiency | None:
        if self.chosen is not None:
            return None if self.chosen.is_ready(need) else Insufficiency.DISABLED
        if not self.candidates:
            return Insufficiency.NONE
        reachable = need is Need.EXIST or any(item.visible for item in self.candidates)
        return Insufficiency.SEVERAL if reachable else Insufficiency.HIDDEN


class DomWorker:
    """Finds targets by css, test id, text and xpath, inside the target's frame and through open shadow roots."""

    tier = Tier.DOM

    def can_try(self, target: Target) -> bool:
        """Whether the target has a selector of any kind."""
        return target.has_dom

    async def resolve(self, target: Target, scope: Scope) -> Resolution:
        """The one visible match of the first selector that has exactly one; waits for it up to the timeout."""
        started = monotonic()
        deadline = started + scope.timeout_seconds
        found = await _look(target, scope)
        while (reason := found.reason(scope.need)) is not None:
            if not await _wait_for_change(target, scope, reason, deadline):
                break
            found = await _look(target, scope)
            if found.reason(scope.need) is Insufficiency.SEVERAL:
                deadline = min(deadline, monotonic() + _SETTLE_SECONDS)
        actor = DomActor(found.locator) if reason is None and found.locator is not None else None
        return Resolution(
            tier=self.tier,
            actor=actor,
            insufficient=reason,
            candidates=found.candidates,
            milliseconds=(monotonic() - started) * 1000,
        )

    async def matches(self, target: Target, scope: Scope) -> tuple[Candidate, ...]:
        """All visible matches of the first selector that has any."""
        for matched_by, locator in _locators(target, scope.page):
            visible = [item for item in await _candidates(matched_by, locator) if item.visible]
            if visible:
                return tuple(visible)
        return ()


async def _look(target: Target, scope: Scope) -> _Found:
    everything: list[Candidate] = []
    for matched_by, locator in _locators(target, scope.page):
        candidates = await _candidates(matched_by, locator)
        everything += candidates
        usable = [
            number for number, item in enumerate(candidates) if item.visible or scope.need is Need.EXIST
        ]
        if len(usable) == 1 and len(candidates) < _MOST_LOOKED_AT:
            # Alone it stays a strict locator: should a second match appear before the act, the act refuses.
            one = locator if len(candidates) == 1 else locator.nth(usable[0])
            return _Found(tuple(everything), one, candidates[usable[0]])
    return _Found(tuple(everything))


async def _candidates(matched_by: str, locator: Locator) -> list[Candidate]:
    looks: list[dict[str, Any]] = await quietly(locator.page, lambda: locator.evaluate_all(_LOOK))
    score = round(1 / len(looks), 3) if looks else 0.0
    return [Candidate(matched_by=matched_by, score=score, **look) for look in looks]


async def _wait_for_change(target: Target, scope: Scope, reason: Insufficiency, deadline: float) -> bool:
    """Wait until another look is worth it; False when the time is over."""
    remaining = deadline - monotonic()
    if remaining <= 0:
        return False
    if reason in {Insufficiency.NONE, Insufficiency.HIDDEN}:
        state: Any = "attached" if scope.need is Need.EXIST else "visible"
        anything = reduce(lambda left, right: left.or_(right), _all(target, scope.page))
        # Visible ones only, else `first` may wait for a hidden match while another one is shown.
        wanted = anything if state == "attached" else anything.filter(visible=True)
        try:
            await wanted.first.wait_for(state=state, timeout=remaining * 1000)
        except PlaywrightTimeoutError:
            return False
        return True
    # Disabled or several: the driver has no event for it.
    await scope.page.wait_for_timeout(min(100.0, remaining * 1000))
    return True


def _all(target: Target, page: Page) -> list[Locator]:
    return [locator for _, locator in _locators(target, page)]


def _locators(target: Target, page: Page) -> Iterator[tuple[str, Locator]]:
    root: Page | FrameLocator = page.frame_locator(target.frame) if target.frame else page
    for css in target.css:
        yield f"css={css}", root.locator(f"css={css}")
    for test_id in target.test_id:
        yield f"test_id={test_id}", root.get_by_test_id(test_id)
    for text in target.text:
        yield f"text={text}", root.get_by_text(text, exact=True)
    for xpath in target.xpath:
        yield f"xpath={xpath}", root.locator(f"xpath={xpath}")
