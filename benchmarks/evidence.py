"""What supervision and evidence cost: eight steps by bare Playwright and by the framework, interleaved.

Every round runs each variant once, in an order that rotates, on the same warm browser against the same site; each
ratio is the median of the rounds' own ratios to that round's bare run. One round goes before, unmeasured.
`--answer-seconds` has the site answer for its pages that much later, as one across a network does.

    python -m benchmarks.evidence [--runs N] [--answer-seconds S] --json
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks._site import practice_site
from infra_shared.clock import monotonic
from webgraph.browser.host import BrowserHost
from webgraph.browser.locate import locate
from webgraph.browser.profile import BrowserProfile
from webgraph.browser.signed_profile import sign
from webgraph.conditions import reads
from webgraph.flow import Automation, stage
from webgraph.network import AddressPolicy
from webgraph.outcome import AttemptSpec, Outcome
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.recorder import EvidenceLevel
from webgraph.runner import run_attempt
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import BrowserContext

    from webgraph.page import Page
    from webgraph.recorder import (
        Evidence,
        EvidenceGap,
        LogLine,
        Question,
        Resumed,
        StageEnd,
        StageStart,
        StepIntent,
        StepOutcome,
    )

BARE = "bare"
STEPS = 8
ROWS = 50
_TIMEOUT_MILLISECONDS = 30_000
_TABLE = "#invoices"
_READ_ROWS = (
    """table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.innerText.trim()))"""
)


class EightSteps(Automation):
    """Signs in, reads a page of invoices, turns it, reads the next, and downloads the file."""

    key = "eight-steps"

    @stage(effect="read")
    async def work(self, page: Page) -> None:
        """The eight steps, without a secret: one that is typed has its pictures searched and masked."""
        await page.goto(f"{SITE.url}/sign-in?next=/invoices")
        await page.fill(Target(css="#username"), DEMO_USERNAME)
        await page.fill(Target(css="#password"), DEMO_PASSWORD)
        await page.click(Target(css="#sign-in"))
        rows = await page.extract_table(Target(css=_TABLE))
        await page.click(Target(css="#next-page"), then=reads(Target(css="#range"), "26"))
        rows += await page.extract_table(Target(css=_TABLE))
        file = await page.download(Target(css="#download-csv"))
        assert (len(rows), file.size_bytes > 0) == (ROWS, True)


@dataclass
class _Site:
    url: str = ""


SITE = _Site()


@dataclass
class Kept:
    """A recorder that counts what it is given."""

    size_bytes: int = 0
    gaps: list[str] = field(default_factory=list)
    files: set[bytes] = field(default_factory=set)

    def stage_started(self, stage: StageStart) -> None:
        """Nothing to count."""

    def stage_finished(self, stage: StageEnd) -> None:
        """Nothing to count."""

    def resumed(self, item: Resumed) -> None:
        """Nothing to count."""

    def asked(self, question: Question) -> None:
        """Nobody is asked."""

    def step_started(self, step: StepIntent) -> None:
        """Nothing to count."""

    def step_finished(self, step: StepOutcome) -> None:
        """Nothing to count."""

    def evidence(self, item: Evidence) -> None:
        """Count the bytes a store keeps: equal files are kept once."""
        if item.body not in self.files:
            self.files.add(item.body)
            self.size_bytes += len(item.body)

    def gap(self, gap: EvidenceGap) -> None:
        """Remember it: a picture that was not taken must not count as speed."""
        self.gaps.append(gap.reason)

    def logged(self, line: LogLine) -> None:
        """Nothing to count."""


async def bare(host: BrowserHost) -> None:
    """The same steps, written with Playwright alone."""
    allowed = AddressPolicy((SITE.url.partition("://")[2],))
    async with host.lease(sign(BrowserProfile(), {}), allowed) as context:
        await by_hand(context)


async def by_hand(context: BrowserContext) -> None:
    """The eight steps in a context."""
    page = await context.new_page()
    page.set_default_timeout(_TIMEOUT_MILLISECONDS)
    await page.goto(f"{SITE.url}/sign-in?next=/invoices")
    await page.locator("#username").fill(DEMO_USERNAME)
    await page.locator("#password").fill(DEMO_PASSWORD)
    await page.locator("#sign-in").click()
    rows = await page.locator(_TABLE).evaluate(_READ_ROWS)
    await page.locator("#next-page").click()
    await page.locator("#range", has_text="26").wait_for()
    rows += await page.locator(_TABLE).evaluate(_READ_ROWS)
    async with page.expect_download() as coming:
        await page.locator("#download-csv").click()
    path = await (await coming.value).path()
    assert (len(rows), path.stat().st_size > 0) == (ROWS, True)


def supervised(host: BrowserHost, level: EvidenceLevel, allowed: str) -> Kept:
    """One attempt of the framework at this level."""
    kept = Kept()
    spec = AttemptSpec(
        automation=EightSteps,
        evidence=level,
        address_policy=AddressPolicy(allowed=(allowed,)),
        step_timeout_seconds=_TIMEOUT_MILLISECONDS / 1000,
    )
    result = run_attempt(spec, kept, host)
    if result.outcome is not Outcome.SUCCEEDED or kept.gaps:
        msg = f"The attempt did not measure what it should: {result.failure} {kept.gaps}"
        raise RuntimeError(msg)
    return kept


def measure(host: BrowserHost, allowed: str, runs: int, variants: Sequence[str]) -> dict[str, Any]:
    """Run the rounds and put the figures together."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    sizes: list[int] = []
    for turn in range(runs + 1):
        for place in range(len(variants)):
            name = variants[(turn + place) % len(variants)]
            started = monotonic()
            if name == BARE:
                host.submit(bare(host)).result()
            else:
                kept = supervised(host, EvidenceLevel(name), allowed)
                if name == EvidenceLevel.DEFAULT:
                    sizes.append(kept.size_bytes)
            if turn:
                seconds[name].append(monotonic() - started)
    return _figures(seconds, sizes)


def _figures(seconds: dict[str, list[float]], sizes: list[int]) -> dict[str, Any]:
    def ratio(name: str) -> float | None:
        pairs = zip(seconds.get(name, []), seconds[BARE], strict=False)
        ratios = [mine / plain for mine, plain in pairs]
        return round(median(ratios), 3) if ratios else None

    return {
        "runs": len(seconds[BARE]),
        "bare_seconds": round(median(seconds[BARE]), 3),
        "supervisor_ratio": ratio(EvidenceLevel.OFF),
        "default_evidence_ratio": ratio(EvidenceLevel.DEFAULT),
        "full_evidence_ratio": ratio(EvidenceLevel.FULL),
        "bytes_per_run": round(median(sizes)) if sizes else None,
    }


def _answer_late(seconds: float) -> None:
    order = {"faults": [f"delay:{seconds:g}"]}
    httpx.post(f"{SITE.url}/_control/faults", json=order, trust_env=False).raise_for_status()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    parser.add_argument("--answer-seconds", type=float, default=0.0, help="how late the site answers (0)")
    parser.add_argument("--variants", default="off,default,full", help="levels to measure, by comma")
    given = parser.parse_args(arguments)
    host = BrowserHost(locate(None))
    with practice_site() as address:
        SITE.url = f"http://{address}"
        if given.answer_seconds:
            _answer_late(given.answer_seconds)
        host.start()
        try:
            figures = measure(host, address, given.runs, [BARE, *given.variants.split(",")])
        finally:
            host.close()
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
