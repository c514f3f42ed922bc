"""Running an automation for real, without a database: a browser, a site, and a recorder that remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.webgraph.memory import Memory
from webgraph.browser.host import BrowserHost
from webgraph.network import AddressPolicy
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.runner import AttemptSpec, run_attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.site import PracticeSite
    from webgraph.flow import Automation
    from webgraph.runner import AttemptResult

SHOP = {"practice-shop": {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}}


class Run(Protocol):
    """Runs one attempt of an automation with params and says how it went."""

    def __call__(
        self,
        automation: type[Automation],
        secrets: dict[str, dict[str, str]] = ...,
        **params: Any,
    ) -> tuple[AttemptResult, Memory]: ...


@pytest.fixture(scope="session")
def host(browser_executable: str) -> Iterator[BrowserHost]:
    """A warm browser for the session."""
    host = BrowserHost(browser_executable)
    host.start()
    yield host
    host.close()


@pytest.fixture
def run(host: BrowserHost, practice_site: PracticeSite) -> Run:
    """Run automations against the practice site; only its address may be opened."""

    def run_once(
        automation: type[Automation],
        secrets: dict[str, dict[str, str]] = SHOP,
        **params: Any,
    ) -> tuple[AttemptResult, Memory]:
        memory = Memory()
        spec = AttemptSpec(
            automation=automation,
            params=params,
            secrets={name: secrets[name] for name in automation.credentials},
            address_policy=AddressPolicy(allowed=(practice_site.host_and_port,)),
        )
        return run_attempt(spec, memory, host, on_beat=None, beat_seconds=5.0), memory

    return run_once
