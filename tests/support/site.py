"""The practice site in a process of its own, and what a test may ask of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from config.local.processes import Part, free_port, inherited, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 30


@dataclass
class PracticeSite:
    """A running practice site."""

    part: Part
    port: int

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def host_and_port(self) -> str:
        """Its entry for the list of private addresses a browser may open."""
        return f"127.0.0.1:{self.port}"

    def truth(self) -> dict[str, Any]:
        """Everything the site knows: invoices, what was created, how often somebody signed in."""
        return dict(httpx.get(f"{self.url}/_truth", trust_env=False).json())

    def switch_faults(self, *faults: str, requests: int | None = None, seed: int | None = None) -> None:
        """Replace the whole site's faults, spelled as in `webgraph.practice_site.faults`; none ends them."""
        order = {"faults": faults, "requests": requests, "seed": seed}
        httpx.post(f"{self.url}/_control/faults", json=order, trust_env=False).raise_for_status()

    def change_staff(self, **order: Any) -> None:
        """End the visits of the staff's area (`end_visits`), or say what its pages keep in the browser (`keeps`)."""
        httpx.post(f"{self.url}/_control/staff", json=order, trust_env=False).raise_for_status()

    def reset(self) -> None:
        """Put the site back to how it started."""
        httpx.post(f"{self.url}/_control/reset", trust_env=False).raise_for_status()

    def start(self) -> None:
        """Start the site, on the same port as before, and return when it answers."""
        self.part.start()
        self.part.wait_until_ready(START_SECONDS)

    def stop(self) -> None:
        """Stop the site, so that its port refuses connections."""
        stop([self.part])


@pytest.fixture(scope="session")
def _practice_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeSite]:
    port = free_port()
    command = [sys.executable, "-m", "webgraph.practice_site", "--port", str(port)]
    log = tmp_path_factory.mktemp("practice-site") / "site.log"
    ready_url = f"http://127.0.0.1:{port}/_truth"
    part = Part("practice site", command, inherited({}), log, ready_url=ready_url)
    site = PracticeSite(part, port)
    site.start()
    yield site
    site.stop()


@pytest.fixture
def practice_site(_practice_site: PracticeSite) -> PracticeSite:
    """The practice site as it starts: shared by the tests of one process, put back before each."""
    if _practice_site.part.pid is None:
        _practice_site.start()
    _practice_site.reset()
    return _practice_site
