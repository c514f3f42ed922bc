from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.webgraph.local_pages import LocalPages, serving
from tests.webgraph.memory import Memory
from webgraph.browser.host import BrowserHost
from webgraph.flow import Automation, stage
from webgraph.network import AddressPolicy
from webgraph.runner import AttemptSpec, run_attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from webgraph.page import Page
    from webgraph.runner import AttemptResult


@pytest.fixture(scope="session")
def pages() -> Iterator[LocalPages]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def shared_host(browser_executable: str) -> Iterator[BrowserHost]:
    host = BrowserHost(browser_executable)
    host.start()
    yield host
    host.close()


@pytest.fixture
def own_host(browser_executable: str, tmp_path: Any) -> Iterator[BrowserHost]:
    """A host this test may break."""
    host = BrowserHost(browser_executable, temp_root=tmp_path)
    host.start()
    yield host
    host.close()


class Tried:
    """A short automation that was tried, and everything it reported."""

    def __init__(self, host: BrowserHost, pages: LocalPages) -> None:
        self._host = host
        self._pages = pages
        self.memory = Memory()

    def __call__(
        self,
        job: Callable[[Page], Awaitable[Any]] | None = None,
        *,
        automation: type[Automation] | None = None,
        host: BrowserHost | None = None,
        **given: Any,
    ) -> AttemptResult:
        """Try an automation, or one function as an automation of one stage."""
        if automation is None:
            assert job is not None
            automation = automation_of(job)
        pumping = {
            name: given.pop(name) for name in ("on_beat", "beat_seconds", "stop_seconds") if name in given
        }
        spec = AttemptSpec(
            automation=automation,
            address_policy=AddressPolicy(allowed=given.pop("allowed", (self._pages.host_and_port,))),
            step_timeout_seconds=given.pop("step_timeout_seconds", 3.0),
            **given,
        )
        return run_attempt(spec, self.memory, host or self._host, **pumping)


def automation_of(job: Callable[[Page], Awaitable[Any]]) -> type[Automation]:
    class Job(Automation):
        key = "job"
        credentials = ()

        @stage(effect="read")
        async def work(self, page: Page) -> None:
            await job(page)

    return Job


@pytest.fixture
def attempt(shared_host: BrowserHost, pages: LocalPages) -> Tried:
    return Tried(shared_host, pages)
