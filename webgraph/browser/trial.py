"""Trying a browser out the way attempts use it: started, one page, ended."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from webgraph.browser import processes
from webgraph.browser.host import BrowserHost
from webgraph.browser.locate import locate
from webgraph.browser.profile import BrowserProfile
from webgraph.browser.signed_profile import SignedProfile
from webgraph.errors import BrowserCrashError
from webgraph.network import AddressPolicy

TRIAL_SECONDS = 60.0
_PAGE = "<p></p><script>document.querySelector('p').append('rendered ', 6 * 7)</script>"
_RENDERED = "rendered 42"


@dataclass(frozen=True, slots=True)
class Trial:
    """How a browser did.

    `memory_bytes` is what all its processes cost with the page open, the driver included; `sandboxed` is False for root,
    to whom Chromium refuses it.
    """

    executable: str
    version: str
    seconds: float
    memory_bytes: int
    sandboxed: bool


def try_browser(explicit: str | None) -> Trial:
    """Start a browser behind its gateway, render a page that runs a script, and end it.

    Raises BrowserNotFoundError when there is none, BrowserCrashError when it does not do that within TRIAL_SECONDS.
    """
    executable = locate(explicit)
    host = BrowserHost(executable)
    began = time.monotonic()
    host.start()
    try:
        version, memory = host.submit(_one_page(host)).result(TRIAL_SECONDS)
    except TimeoutError as error:
        msg = f"The browser did not render a page within {TRIAL_SECONDS:g} seconds."
        raise BrowserCrashError(msg) from error
    finally:
        host.close()
    return Trial(executable, version, time.monotonic() - began, memory, os.getuid() != 0)


async def _one_page(host: BrowserHost) -> tuple[str, int]:
    async with host.lease(SignedProfile(BrowserProfile(), {}), AddressPolicy()) as context:
        page = await context.new_page()
        await page.set_content(_PAGE)
        text = await page.inner_text("p")
        if text != _RENDERED:
            msg = f"The browser rendered {text!r} where {_RENDERED!r} was due."
            raise BrowserCrashError(msg)
        browser = context.browser
        memory = processes.memory_bytes(processes.owned_by(host.folder))
        return browser.version if browser else "", memory
