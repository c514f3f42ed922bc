"""One browser for several hosts: apart from each other, replaced when it must be, and gone without a trace at the end."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.support.families import words_of
from tests.support.keepers import kept_browser
from tests.support.waiting import wait_until
from webgraph import surface
from webgraph.browser import folders, processes
from webgraph.browser.host import BrowserHost
from webgraph.browser.profile import BrowserProfile
from webgraph.browser.recycling import RecyclePolicy
from webgraph.browser.signed_profile import sign
from webgraph.errors import BrowserCrashError, FailureKind
from webgraph.network import AddressPolicy
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from tests.support.keepers import KeptBrowser
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser
NOBODY = sign(BrowserProfile(), {})


@pytest.fixture
def kept(browser_executable: str, tmp_path: Path) -> Iterator[KeptBrowser]:
    with kept_browser(browser_executable, RecyclePolicy(attempts=100), tmp_path) as keeper:
        yield keeper


@pytest.fixture
def borrow(browser_executable: str, tmp_path: Path) -> Iterator[Callable[[KeptBrowser], BrowserHost]]:
    """Make a host that borrows from a keeper; closed with the test."""
    hosts: list[BrowserHost] = []

    def make(keeper: KeptBrowser) -> BrowserHost:
        hosts.append(BrowserHost(browser_executable, temp_root=tmp_path, keeper=keeper.address))
        hosts[-1].start()
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()


class Held:
    """A lease of a host that lasts until `release`, with a page in it."""

    def __init__(self, host: BrowserHost, *, alone: bool = False) -> None:
        self.host = host
        self._alone = alone
        self._opened = threading.Event()
        self._over = asyncio.Event()
        self.seen: Any = None
        self.work: Future[bool] = host.submit(self._hold())

    async def _hold(self) -> bool:
        async with self.host.lease(NOBODY, AddressPolicy(), alone=self._alone) as context:
            page = await context.new_page()
            await page.goto("data:text/html,<title>mine</title>")
            assert context.browser is not None
            self.seen = [await one.pages[0].title() for one in context.browser.contexts]
            self._opened.set()
            ends = asyncio.ensure_future(self._over.wait())
            gone = asyncio.Event()
            page.on("close", lambda _: gone.set())
            await asyncio.wait(
                [ends, asyncio.ensure_future(gone.wait())], return_when=asyncio.FIRST_COMPLETED
            )
            return not self._over.is_set() and await self.host.lost_with_others(context)

    def opened(self) -> Held:
        """Itself, once its page is there."""
        wait_until(lambda: self._opened.is_set() or self.work.done(), 40, what="a page")
        assert not self.work.done(), self.work.exception()
        return self

    def release(self) -> None:
        """End it."""
        self.host.submit(self._set()).result(5)
        self.work.result(20)

    async def _set(self) -> None:
        self._over.set()


def test_hosts_share_a_browser_and_see_nothing_of_each_other(kept: KeptBrowser, borrow):
    first, second = (Held(borrow(kept)).opened() for _ in range(2))

    assert len(kept.servers) == 1
    assert (first.seen, second.seen) == (["mine"], ["mine"])
    first.release()
    second.release()


def test_no_browser_is_started_before_one_is_needed(kept: KeptBrowser, borrow):
    borrow(kept)

    assert kept.servers == []


def test_the_server_is_on_the_loopback_address_and_tells_nobody_its_path(kept: KeptBrowser, borrow):
    Held(borrow(kept)).opened().release()
    address, _, path = kept.servers[0].endpoint.removeprefix("ws://").partition("/")

    answer = httpx.get(f"http://{address}/json", trust_env=False)

    listening = [at.laddr for at in kept.newest.net_connections("inet") if at.status == psutil.CONN_LISTEN]
    assert [at.ip for at in listening] == ["127.0.0.1"]
    assert (answer.status_code, answer.content) == (404, b"")
    assert len(path) >= 32
    assert not any(path in word for one in _family(kept) for word in one.cmdline())
    assert not any(path in value for one in _family(kept) for value in one.environ().values())


def test_a_replaced_browser_ends_with_its_last_context(browser_executable: str, tmp_path: Path, borrow):
    with kept_browser(browser_executable, RecyclePolicy(attempts=1), tmp_path) as kept:
        old = Held(borrow(kept)).opened()
        new = Held(borrow(kept)).opened()
        before = psutil.Process(kept.servers[0].pid)

        assert len(kept.servers) == 2
        assert before.is_running()
        old.release()

        assert psutil.wait_procs([before], timeout=15)[1] == []
        assert not new.work.done()
        new.release()


def test_who_loses_the_browser_knows_that_others_lost_it_too(kept: KeptBrowser, borrow):
    held = [Held(borrow(kept)).opened() for _ in range(2)]

    kept.browser().kill()

    assert [one.work.result(20) for one in held] == [True, True]
    Held(held[0].host).opened().release()
    assert len(kept.servers) == 2


@pytest.mark.parametrize("end", [BrowserHost.kill_browser, BrowserHost.abandon])
def test_a_host_that_is_given_up_ends_its_own_contexts_alone(kept: KeptBrowser, borrow, end):
    other = Held(borrow(kept)).opened()
    stuck = Held(borrow(kept)).opened()

    end(stuck.host)

    wait_until(lambda: _contexts(kept) == 1, 15, what="the end of one context")
    assert not other.work.done()
    assert len(kept.servers) == 1
    other.release()


def test_an_attempt_that_lost_its_own_driver_did_not_lose_the_browser_with_others(
    attempt: Tried, pages: LocalPages, kept: KeptBrowser, borrow
):
    host = borrow(kept)

    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        host.kill_browser()
        await page.click(Target(css="#nowhere"), timeout_seconds=20)

    failure = attempt(job, host=host).failure

    assert failure is not None
    assert (failure.kind, failure.lost_with_others) == (FailureKind.BROWSER_CRASH, False)
    assert len(kept.servers) == 1


def test_an_attempt_that_wants_to_be_alone_gets_a_browser_that_ends_with_it(kept: KeptBrowser, borrow):
    host = borrow(kept)
    alone = Held(host, alone=True).opened()

    assert kept.servers == []
    alone.release()

    assert [one for one in processes.owned_by(host.folder) if "--headless" in one.cmdline()] == []


def test_a_server_that_is_killed_takes_its_browser_along_and_is_replaced(kept: KeptBrowser, borrow):
    held = Held(borrow(kept)).opened()
    family = _family(kept)

    kept.newest.kill()

    assert held.work.result(20)
    assert psutil.wait_procs(family, timeout=15)[1] == []
    Held(held.host).opened().release()


@pytest.mark.slow
def test_a_frozen_browser_is_not_lent_again(kept: KeptBrowser, borrow):
    held = Held(borrow(kept)).opened()
    frozen = kept.newest

    frozen.suspend()
    held.release()
    Held(held.host).opened().release()

    assert len(kept.servers) == 2
    assert psutil.wait_procs([frozen], timeout=20)[1] == []


def test_a_browser_that_opens_no_window_any_more_is_not_lent_again(
    attempt: Tried, pages: LocalPages, kept: KeptBrowser, borrow, monkeypatch: pytest.MonkeyPatch
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))

    host = borrow(kept)
    assert attempt(job, host=host).outcome == "succeeded"
    monkeypatch.setattr(surface, "OPEN_SECONDS", 3.0)
    # Without the processes it forks others from, it answers everything and opens nothing.
    for process in kept.browser().children():
        if "--type=zygote" in words_of(process):
            process.kill()

    failure = attempt(job, host=host).failure
    monkeypatch.undo()

    assert failure is not None
    assert (failure.kind, failure.lost_with_others) == (FailureKind.BROWSER_CRASH, False)
    assert attempt(job, host=host).outcome == "succeeded"
    assert len(kept.servers) == 2


def test_a_keeper_that_ends_leaves_no_process_and_no_folder(browser_executable: str, tmp_path: Path, borrow):
    with kept_browser(browser_executable, RecyclePolicy(), tmp_path) as kept:
        host = borrow(kept)
        Held(host).opened().release()
        family = _family(kept)

    assert psutil.wait_procs(family, timeout=15)[1] == []
    host.close()
    assert folders.sweep(tmp_path) == []
    assert list(tmp_path.glob("webgraph-*/*")) == []


def test_without_a_browser_the_attempt_says_so(tmp_path: Path, borrow):
    says_so = pytest.raises(BrowserCrashError, match="could not be started")

    with kept_browser("/bin/false", RecyclePolicy(), tmp_path) as kept, says_so:
        Held(borrow(kept)).work.result(60)


def test_an_attempt_in_a_lost_browser_is_a_crash_it_shares_with_others(
    attempt: Tried, pages: LocalPages, kept: KeptBrowser, borrow
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        kept.browser().kill()
        await page.click(Target(css="#nowhere"), timeout_seconds=20)

    failure = attempt(job, host=borrow(kept)).failure

    assert failure is not None
    assert (failure.kind, failure.permanent) == (FailureKind.BROWSER_CRASH, False)
    assert failure.lost_with_others


def _family(kept: KeptBrowser) -> list[psutil.Process]:
    return [kept.newest, *kept.newest.children(recursive=True)]


def _contexts(kept: KeptBrowser) -> int:
    """How many pages the browser has, told by its processes for them."""
    family = kept.newest.children(recursive=True)
    return sum("--type=renderer" in words_of(one) for one in family)
