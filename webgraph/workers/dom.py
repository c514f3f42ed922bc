"""The DOM tier: selectors in the order they are written, exactly one visible match, or it abstains."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from infra_shared.clock import monotonic
from webgraph.fingerprint import SIGHT, compare
from webgraph.quiet import quietly
from webgraph.recorder import Tier
from webgraph.workers.base import Candidate, Insufficiency, Need, Resolution
from webgraph.workers.dom_actor import DomActor
from webgraph.workers.glance import Glance, GlanceActor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import FrameLocator, Locator, Page

    from webgraph.fingerprint import Likeness
    from webgraph.target import Target
    from webgraph.workers.base import Scope

# An ambiguous match is looked at again for this long: a list that is being redrawn shows old and new for a moment.
_SETTLE_SECONDS = 0.5
_MOST_LOOKED_AT = 50
_LOOK_AGAIN_SECONDS = 0.1
_GLANCE_AGAIN_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.15)

# One round trip answers for all matches of a selector. Visible as Playwright means it: a box, and not hidden by style.
# What is to be acted on is looked at closely, which a lone candidate or two are worth and a whole list is not.
_LOOK = """(elements, closely) => elements.slice(0, 50).map(element => {
  const box = element.getBoundingClientRect();
  const words = (element.innerText || element.getAttribute('aria-label') || '').trim().replace(/\\s+/g, ' ');
  const id = element.id ? '#' + element.id : '';
  return {
    visible: box.width > 0 && box.height > 0 && getComputedStyle(element).visibility === 'visible',
    enabled: !element.matches(':disabled') && element.getAttribute('aria-disabled') !== 'true',
    summary: ('<' + element.tagName.toLowerCase() + id + '> ' + words).slice(0, 80).trim(),
    sight: closely && elements.length <= 3 ? SIGHT(element) : null,
  };
})"""
_LOOK_CLOSELY = f"(elements, closely) => {{ const SIGHT = {SIGHT}; return ({_LOOK})(elements, closely); }}"


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look at the page gave: all candidates, and the locator when exactly one is visible."""

    candidates: tuple[Candidate, ...]
    actor: DomActor | None = None
    chosen: Candidate | None = None
    seen: dict[str, Any] | None = None
    likeness: Likeness | None = None

    def reason(self, need: Need) -> Insufficiency | None:
        if self.likeness is not None and not self.likeness.same:
            return Insufficiency.MISMATCH
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
        pauses = iter(_GLANCE_AGAIN_SECONDS if scope.session else ())
        found = await _look(target, scope)
        while (reason := found.reason(scope.need)) is not None:
            # A page that is just arriving is glanced at a few times, before Playwright is asked to wait and to look.
            pause = next(pauses, None)
            if pause is not None and monotonic() + pause < deadline:
                await asyncio.sleep(pause)
            elif await _wait_for_change(target, scope, reason, deadline):
                scope = replace(scope, session=None)
            else:
                break
            found = await _look(target, scope)
            if found.reason(scope.need) in {Insufficiency.SEVERAL, Insufficiency.MISMATCH}:
                deadline = min(deadline, monotonic() + _SETTLE_SECONDS)
        return Resolution(
            tier=self.tier,
            actor=found.actor if reason is None else None,
            insufficient=reason,
            candidates=found.candidates,
            milliseconds=(monotonic() - started) * 1000,
            seen=found.seen if reason is None else None,
            facts=_as_facts(found.likeness),
            as_written=found.chosen is not None and found.chosen.matched_by == _first_way(target),
        )

    async def matches(self, target: Target, scope: Scope) -> tuple[Candidate, ...]:
        """All visible matches of the first selector that has any."""
        for way in _ways(target, scope):
            visible = [item for item, _ in await way.look(closely=False) if item.visible]
            if visible:
                return tuple(visible)
        return ()


@dataclass(frozen=True, slots=True)
class _Way:
    """One selector of a target: Playwright's locator for it, and the quick glance where its kind allows one."""

    matched_by: str
    locator: Locator
    glance: Glance | None

    async def look(self, *, closely: bool) -> list[tuple[Candidate, dict[str, Any] | None]]:
        """Every match as a candidate, with its fingerprint when it is worth one."""
        script = _LOOK_CLOSELY if closely else _LOOK
        answer: Any = await self.glance.all(script, closely) if self.glance else None
        if answer is None:
            answer = await quietly(self.locator.page, lambda: self.locator.evaluate_all(script, closely))
        looks: list[dict[str, Any]] = answer
        score = round(1 / len(looks), 3) if looks else 0.0
        sights = [look.pop("sight") for look in looks]
        return [
            (Candidate(matched_by=self.matched_by, score=score, **look), sight)
            for look, sight in zip(looks, sights, strict=True)
        ]

    def actor(self, number: int, of: int) -> DomActor:
        """The actor for one of the matches."""
        # Alone it stays a strict locator: should a second match appear before the act, the act refuses.
        one = self.locator if of == 1 else self.locator.nth(number)
        return GlanceActor(one, self.glance, number=number, of=of) if self.glance else DomActor(one)


async def _look(target: Target, scope: Scope) -> _Found:
    """The first selector with exactly one usable match decides; one that is another control than known does not."""
    everything: list[Candidate] = []
    stranger: _Found | None = None
    for way in _ways(target, scope):
        looks = await way.look(closely=scope.need is not Need.SEE)
        everything += [candidate for candidate, _ in looks]
        usable = [
            number for number, (item, _) in enumerate(looks) if item.visible or scope.need is Need.EXIST
        ]
        if len(usable) != 1 or len(looks) >= _MOST_LOOKED_AT:
            continue
        chosen, seen = looks[usable[0]]
        likeness = await _likeness(scope, seen) if scope.known and seen else None
        actor = way.actor(usable[0], len(looks))
        found = _Found(tuple(everything), actor, chosen, seen, likeness)
        if likeness is None or likeness.same:
            return found
        stranger = stranger or found
    if stranger is not None:
        return replace(stranger, candidates=tuple(everything))
    return _Found(tuple(everything))


async def _likeness(scope: Scope, seen: dict[str, Any]) -> Likeness:
    """Whether what the selector found is the control that was used before.

    A new name is believed only where nothing answers to the old one any more: else another control has taken over the
    selector, and the one that is meant stands somewhere else.
    """
    known = scope.known or {}
    likeness = compare(known, seen)
    if likeness.same and "name" in likeness.differs and known.get("role"):
        named = scope.page.get_by_role(known["role"], name=known["name"], exact=True)
        if await quietly(scope.page, named.count):
            return replace(likeness, same=False)
    return likeness


def _as_facts(likeness: Likeness | None) -> dict[str, Any]:
    return {} if likeness is None else {"likeness": likeness.score, "differs": list(likeness.differs)}


async def _wait_for_change(target: Target, scope: Scope, reason: Insufficiency, deadline: float) -> bool:
    """Wait until another look is worth it; False when the time is over."""
    remaining = deadline - monotonic()
    if remaining <= 0:
        return False
    if reason in {Insufficiency.NONE, Insufficiency.HIDDEN}:
        state: Any = "attached" if scope.need is Need.EXIST else "visible"
        ways = [way.locator for way in _ways(target, scope)]
        anything = reduce(lambda left, right: left.or_(right), ways)
        # Visible ones only, else `first` may wait for a hidden match while another one is shown.
        wanted = anything if state == "attached" else anything.filter(visible=True)
        try:
            await wanted.first.wait_for(state=state, timeout=remaining * 1000)
        except PlaywrightTimeoutError:
            return False
        return True
    # Disabled, several or another one: the driver has no event for it.
    await asyncio.sleep(min(_LOOK_AGAIN_SECONDS, remaining))
    return True


def _first_way(target: Target) -> str:
    """What the first of `_ways` is called."""
    kinds = {"css": target.css, "test_id": target.test_id, "text": target.text, "xpath": target.xpath}
    return next((f"{kind}={ways[0]}" for kind, ways in kinds.items() if ways), "")


def _ways(target: Target, scope: Scope) -> Iterator[_Way]:
    page = scope.page
    root: Page | FrameLocator = page.frame_locator(target.frame) if target.frame else page
    session = None if target.frame else scope.session

    def glance(css: str) -> Glance | None:
        return Glance(page, session, css) if session else None

    for css in target.css:
        yield _Way(f"css={css}", root.locator(f"css={css}"), glance(css))
    for test_id in target.test_id:
        yield _Way(
            f"test_id={test_id}",
            root.get_by_test_id(test_id),
            glance(f"[data-testid={json.dumps(test_id)}]"),
        )
    for text in target.text:
        yield _Way(f"text={text}", root.get_by_text(text, exact=True), None)
    for xpath in target.xpath:
        yield _Way(f"xpath={xpath}", root.locator(f"xpath={xpath}"), None)
