"""What the proxy in front of every browser costs: the same work with it and without it, interleaved in one browser.

The eight steps of `benchmarks.evidence` by hand, and so many pages opened at once; each ratio is the median of the
rounds' own ratios. One round goes before, unmeasured.

    python -m benchmarks.gateway [--runs N] [--pages N] --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import asynccontextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

from benchmarks import evidence
from benchmarks._site import practice_site
from infra_shared.clock import monotonic
from webgraph.browser.gateway.gateway import Gateway
from webgraph.browser.gateway.ways import Ways
from webgraph.browser.launching import LAUNCH_FLAGS, launch_flags
from webgraph.browser.locate import locate
from webgraph.network import AddressPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from playwright.async_api import Browser, BrowserContext


@asynccontextmanager
async def context_of(
    browser: Browser, gateway: Gateway | None, allowed: str
) -> AsyncIterator[BrowserContext]:
    """A context that goes out through the gateway, or by itself."""
    if gateway is None:
        context = await browser.new_context(accept_downloads=True)
        yield context
        await context.close()
        return
    async with gateway.door(Ways(AddressPolicy((allowed,)))) as door:
        proxy: Any = {"server": door.address, "bypass": "<-loopback>"}
        context = await browser.new_context(accept_downloads=True, proxy=proxy)
        yield context
        await context.close()


async def opened_at_once(browser: Browser, gateway: Gateway | None, allowed: str, pages: int) -> None:
    """So many pages, each in a context of its own."""

    async def one() -> None:
        async with context_of(browser, gateway, allowed) as context:
            page = await context.new_page()
            await page.goto(f"http://{allowed}/sign-in")

    await asyncio.gather(*(one() for _ in range(pages)))


async def measure(allowed: str, runs: int, pages: int) -> dict[str, Any]:
    """Run the rounds and put the figures together."""
    gateway = Gateway()

    async def steps(way: Gateway | None) -> None:
        async with context_of(browser, way, allowed) as context:
            await evidence.by_hand(context)

    async def at_once(way: Gateway | None) -> None:
        await opened_at_once(browser, way, allowed, pages)

    async with async_playwright() as playwright:
        sandbox = [flag for flag in launch_flags() if flag == "--no-sandbox"]
        browser = await playwright.chromium.launch(
            executable_path=locate(None), args=[*LAUNCH_FLAGS, *sandbox]
        )
        figures = {
            "runs": runs,
            "eight_steps": await _compare(steps, gateway, runs),
            f"{pages}_pages_at_once": await _compare(at_once, gateway, runs),
        }
        await browser.close()
    gateway.close()
    return figures


async def _compare(
    work: Callable[[Gateway | None], Awaitable[None]], gateway: Gateway, runs: int
) -> dict[str, float]:
    plain: list[float] = []
    guarded: list[float] = []
    for turn in range(runs + 1):
        sides = [(None, plain), (gateway, guarded)]
        for way, seconds in sides if turn % 2 else reversed(sides):
            started = monotonic()
            await work(way)
            if turn:
                seconds.append(monotonic() - started)
    ratios = [mine / other for mine, other in zip(guarded, plain, strict=True)]
    return {
        "without_seconds": round(median(plain), 3),
        "with_seconds": round(median(guarded), 3),
        "ratio": round(median(ratios), 3),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    with practice_site() as address:
        evidence.SITE.url = f"http://{address}"
        figures = asyncio.run(measure(address, given.runs, given.pages))
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
