"""A page against the console and the API of the very system that opened it, with what `make run` lets a browser reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.signals import request_started

from config.local.system import LocalSystem
from tests.webgraph.memory import Memory
from tests.webgraph.ssrf_pages import attacking
from webgraph.browser.host import BrowserHost
from webgraph.browser.profile import BrowserProfile
from webgraph.errors import FailureKind
from webgraph.flow import Automation, stage
from webgraph.network import AddressPolicy
from webgraph.runner import AttemptSpec, run_attempt
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from webgraph.page import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """The paths that the console's server was asked for."""
    paths: list[str] = []

    def note(scope: dict[str, Any], **_: Any) -> None:
        paths.append(scope["path"])

    request_started.connect(note)
    yield paths
    request_started.disconnect(note)


def test_ssrf_by_a_page_to_the_console_and_the_api_of_its_own_system_does_not_arrive(
    console_url: str, asked: list[str], browser_executable: str, tmp_path: Path
) -> None:
    system = LocalSystem(folder=tmp_path, base_environment={})
    console = console_url.partition("://")[2]

    class Visit(Automation):
        key = "visit"
        credentials = ()
        profile = BrowserProfile(service_workers=True)

        @stage(effect="read")
        async def work(self, page: Page) -> None:
            await page.goto(f"{system.site_url}/everywhere?to={console}")
            await page.expect(Target(css="#done"), timeout_seconds=20)
            await page.goto(f"{system.site_url}/location?to={console_url}/admin/")
            await page.expect(Target(css="#done"), timeout_seconds=2)

    host = BrowserHost(browser_executable)
    host.start()
    allowed = AddressPolicy(tuple(system.environment["BROWSER_ALLOW_PRIVATE"].split(",")))
    with attacking(port=system.site_port):
        ended = run_attempt(AttemptSpec(automation=Visit, address_policy=allowed), Memory(), host)
    host.close()

    assert asked == []
    assert ended.failure is not None
    assert ended.failure.kind is FailureKind.BAD_PARAMS
    assert f"add {console} to BROWSER_ALLOW_PRIVATE" in ended.failure.message
