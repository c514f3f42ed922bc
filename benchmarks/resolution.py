"""How surely things are found on pages that changed, beside plain CSS and plain role and name.

Every case takes a control of a page, learns its fingerprint there, changes the page from the seed, and asks the tiers
for the control. What they would act on is compared with the element itself, which the page remembers. `wrong` counts
all cases; the shares count those in which the element still exists under its accessible name. `heals` counts the
selectors proposed where the written one did not work, `heals_wrong` those that lead to anything but the element.

    python -m benchmarks.resolution --seed N --json
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import _pages
from benchmarks._site import practice_site
from webgraph.browser.host import BrowserHost
from webgraph.browser.locate import locate
from webgraph.browser.profile import BrowserProfile
from webgraph.browser.signed_profile import sign
from webgraph.budget import Budget
from webgraph.errors import TargetAmbiguousError, TargetNotFoundError
from webgraph.escalation import Finder
from webgraph.fingerprint import SIGHT, merged
from webgraph.healing import heal_of
from webgraph.network import AddressPolicy
from webgraph.surface import Surface
from webgraph.target import Target
from webgraph.workers.axtree import AxTreeWorker
from webgraph.workers.base import Need
from webgraph.workers.dom import DomWorker
from webgraph.workers.dom_actor import DomActor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import Page, Route

# Kind of change, and whether the element is still there under an accessible name that is its own. A twin is a copy with
# the same name: which of the two is meant the name no longer says, so that only a wrong choice counts.
KINDS = {
    "renamed": True,
    "wrapped": True,
    "reordered": True,
    "reworded": False,
    "moved": True,
    "renamed and moved": True,
    "renamed and wrapped": True,
    "removed": False,
    "removed and renamed": False,
    "decoy": True,
    "twin": False,
}
_EACH = 3
_ORIGIN = "http://saved.example"
_TRY_SECONDS = 0.01
_MUTATE = (Path(__file__).parent / "_mutations.js").read_text(encoding="utf-8").split("\n", 1)[1].strip()
# The controls a person would act on, each with the selector a recorder would write for it.
_CONTROLS = """() => {
  const sight = SIGHT;
  const plain = /^[A-Za-z][\\w-]*$/;
  const path = element => {
    if (element.id && plain.test(element.id)) return '#' + element.id;
    const field = element.getAttribute('name');
    if (field && plain.test(field)) {
      const css = element.tagName.toLowerCase() + `[name=${field}]`;
      if (document.querySelectorAll(css).length === 1) return css;
    }
    const steps = [];
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      if (at !== element && at.id && plain.test(at.id)) { steps.unshift('#' + at.id); break; }
      const like = [...at.parentElement.children].filter(other => other.tagName === at.tagName);
      const tag = at.tagName.toLowerCase();
      steps.unshift(like.length > 1 ? `${tag}:nth-of-type(${like.indexOf(at) + 1})` : tag);
    }
    return (steps[0].startsWith('#') ? '' : 'body > ') + steps.join(' > ');
  };
  const all = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, [role=button], [role=tab]');
  return [...all].map((element, number) => ({number, css: path(element), ...sight(element)}))
    .filter(item => item.role && item.name.length > 1);
}""".replace("SIGHT", SIGHT)
_HOLD = """number => {
  window.truth = document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, [role=button], [role=tab]')[number];
}"""


@dataclass
class Tally:
    """What became of the cases."""

    cases: int = 0
    still_there: int = 0
    by_tier: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    abstained: int = 0
    heals: int = 0
    heals_wrong: int = 0
    misses: list[str] = field(default_factory=list)

    def figures(self, seed: int) -> dict[str, Any]:
        """The table of the benchmark."""

        def share(way: str) -> float:
            return round(self.found[way] / self.still_there, 4) if self.still_there else 0.0

        return {
            "seed": seed,
            "cases": self.cases,
            "by_tier": dict(self.by_tier),
            "found_right_share": share("tiers"),
            "abstained": self.abstained,
            "wrong": self.wrong["tiers"],
            "css_wrong": self.wrong["css"],
            "css_found_right_share": share("css"),
            "role_wrong": self.wrong["role"],
            "role_found_right_share": share("role"),
            "heals": self.heals,
            "heals_wrong": self.heals_wrong,
        }


@dataclass(frozen=True, slots=True)
class Case:
    """One control, one change."""

    page: str
    kind: str
    seed: int
    control: dict[str, Any]

    @property
    def target(self) -> Target:
        """The control as an automation would describe it."""
        return Target(css=self.control["css"], role=self.control["role"], name=self.control["name"])

    def __str__(self) -> str:
        """Enough to see the case again."""
        return f"{self.page}: {self.kind} {self.control['role']} {self.control['name']!r} ({self.seed})"


class Bench:
    """Serves the pages out of memory and puts the questions."""

    def __init__(self, surface: Surface, html: dict[str, str], *, each: int = _EACH) -> None:
        self._surface = surface
        self._page: Page = surface.page
        self._html = html
        self._each = each
        self.tally = Tally()

    async def run(self, seed: int) -> None:
        """All cases of a seed."""
        await self._page.route(f"{_ORIGIN}/**", self._serve)
        for case in await self._cases(random.Random(seed)):  # noqa: S311 - cases, not secrets
            await self._try(case)

    async def _serve(self, route: Route) -> None:
        name = route.request.url.removeprefix(f"{_ORIGIN}/")
        await route.fulfill(body=self._html.get(name, ""), content_type="text/html; charset=utf-8")

    async def _cases(self, choice: random.Random) -> list[Case]:
        cases: list[Case] = []
        for name in sorted(self._html):
            await self._page.goto(f"{_ORIGIN}/{name}")
            controls = await self._page.evaluate(_CONTROLS)
            cases += [
                Case(name, kind, choice.randrange(2**32), control)
                for kind in KINDS
                for control in choice.sample(controls, min(self._each, len(controls)))
            ]
        return cases

    async def _try(self, case: Case) -> None:
        await self._page.goto(f"{_ORIGIN}/{case.page}")
        known = await self._learn(case)
        await self._page.evaluate(_HOLD, case.control["number"])
        await self._page.evaluate(
            f"([kind, seed]) => ({_MUTATE})(window.truth, kind, seed)", [case.kind, case.seed]
        )
        tally = self.tally
        tally.cases += 1
        there = bool(KINDS[case.kind]) and await self._page.evaluate("() => window.truth.isConnected")
        tally.still_there += there
        outcomes = {
            "tiers": await self._tiers(case, known),
            "css": await self._plain(self._page.locator(case.control["css"])),
            "role": await self._plain(
                self._page.get_by_role(case.control["role"], name=case.control["name"], exact=True)
            ),
        }
        for way, right in outcomes.items():
            tally.wrong[way] += right is False
            tally.found[way] += bool(right) and there
        tally.abstained += outcomes["tiers"] is None
        if outcomes["tiers"] is False or (there and not outcomes["tiers"]):
            tally.misses.append(f"{'WRONG' if outcomes['tiers'] is False else 'missed'} {case}")

    async def _learn(self, case: Case) -> dict[str, Any]:
        """The fingerprint a successful step on the page as it was leaves behind."""
        finder = Finder((DomWorker(),), Budget())
        await finder.find(case.target, self._surface, Need.EXIST, _TRY_SECONDS)
        return merged(None, finder.seen or {})

    async def _tiers(self, case: Case, known: dict[str, Any]) -> bool | None:
        """Whether the tiers found the element itself; None when they abstained."""
        finder = Finder((DomWorker(), AxTreeWorker()), Budget(), known)
        try:
            actor = await finder.find(case.target, self._surface, Need.EXIST, _TRY_SECONDS)
        except (TargetNotFoundError, TargetAmbiguousError):
            return None
        self.tally.by_tier[finder.tier or ""] += 1
        assert isinstance(actor, DomActor)
        if not finder.as_written:
            await self._heal(case, actor)
        return bool(await actor.thing.evaluate("element => element === window.truth"))

    async def _heal(self, case: Case, actor: DomActor) -> None:
        """Whether the target proposed in place of the one that did not work selects the element itself."""
        heal = await heal_of(case.target, actor, self._page, key="", holds_secret=lambda _: False)
        if heal is not None:
            selector = heal.new["css"][0]
            self.tally.heals += 1
            if not await self._plain(self._page.locator(selector)):
                self.tally.heals_wrong += 1
                self.tally.misses.append(f"WRONG HEAL {selector} for {case}")

    async def _plain(self, locator: Any) -> bool | None:
        """What a script that takes the only match would do."""
        if await locator.count() != 1:
            return None
        return bool(await locator.evaluate("element => element === window.truth"))


async def measure(host: BrowserHost, site_address: str, seed: int, *, each: int = _EACH) -> Tally:
    """The tally of a seed, over the practice site and all saved pages."""
    async with host.lease(sign(BrowserProfile(), {}), AddressPolicy((site_address,))) as context:
        page = await context.new_page()
        html = await _pages.practice(page, f"http://{site_address}") | _pages.saved()
        await page.close()
        own = await context.new_page()
        session = await context.new_cdp_session(own)
        bench = Bench(Surface(own, session, AddressPolicy()), html, each=each)
        await bench.run(seed)
        return bench.tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resolution", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=_EACH, help="cases for each page and kind of change")
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    host = BrowserHost(locate(None))
    with practice_site() as address:
        host.start()
        try:
            tally = host.submit(measure(host, address, given.seed, each=given.each)).result()
        finally:
            host.close()
    for miss in tally.misses:
        sys.stdout.write(f"{miss}\n")
    sys.stdout.write(json.dumps(tally.figures(given.seed)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
