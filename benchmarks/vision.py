"""What looking at a page costs: seconds for each picture, and the memory of the process that reads it.

Each page of the practice site is pictured once at 1280 by 800 and read by a process of its own, a few times over: the
first look of a process also loads the models.

    python -m benchmarks.vision --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks import _pages
from benchmarks._site import practice_site
from infra_shared.clock import monotonic
from webgraph.browser.host import BrowserHost
from webgraph.browser.locate import locate
from webgraph.browser.profile import BrowserProfile
from webgraph.browser.signed_profile import sign
from webgraph.network import AddressPolicy
from webgraph.vision.process import ProviderProcess
from webgraph.vision.settings import VisionSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATHS = ("/dashboard", "/invoices", "/tools", "/tools/payouts")
_QUESTION = {"text": "", "near": "", "description": ""}
_ANSWER_SECONDS = 120.0


async def pictures(host: BrowserHost, site_url: str) -> dict[str, bytes]:
    """The visible area of each page, as the vision tier takes it."""
    allowed = AddressPolicy((site_url.partition("://")[2],))
    async with host.lease(sign(BrowserProfile(), {}), allowed) as context:
        page = await context.new_page()
        await _pages.practice(page, site_url)  # which leaves the browser signed in
        found = {}
        for path in _PATHS:
            await page.goto(f"{site_url}{path}")
            found[path] = await page.screenshot(type="png")
        return found


async def measure(taken: dict[str, bytes], looks: int) -> dict[str, Any]:
    """The table of the benchmark."""
    first: list[float] = []
    later: dict[str, list[float]] = {path: [] for path in taken}
    lines: dict[str, int] = {}
    memory: list[int] = []
    for path, picture in taken.items():
        reader = ProviderProcess("ocr", VisionSettings().order("ocr"), idle_seconds=_ANSWER_SECONDS)
        for look in range(looks):
            started = monotonic()
            answer = await reader.ask(_QUESTION, picture, timeout_seconds=_ANSWER_SECONDS)
            (first if look == 0 else later[path]).append(monotonic() - started)
            lines[path] = len(answer["sightings"])
        memory.append(psutil.Process(reader.pid).memory_full_info().pss)
        await reader.close()
    return {
        "looks": looks,
        "first_look_seconds": round(statistics.median(first), 2),
        "look_seconds": {path: round(statistics.median(values), 2) for path, values in later.items()},
        "lines_read": lines,
        "process_megabytes": round(max(memory) / 1e6),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 whenever it measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vision", description=__doc__)
    parser.add_argument("--looks", type=int, default=4, help="how often each page is read by one process")
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: the last line is always JSON"
    )
    given = parser.parse_args(arguments)
    host = BrowserHost(locate(None))
    with practice_site() as address:
        host.start()
        try:
            taken = host.submit(pictures(host, f"http://{address}")).result()
        finally:
            host.close()
    sys.stdout.write(json.dumps(asyncio.run(measure(taken, given.looks))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
