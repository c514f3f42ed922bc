"""What a hostile page can reach of this network: nothing that is not listed, whatever way it tries, and evidence says so."""

from __future__ import annotations

import ipaddress
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from playwright.async_api import Error as PlaywrightError

from tests.webgraph.conftest import automation_of
from tests.webgraph.ssrf_pages import NAVIGATIONS, Listener, attacking
from webgraph import network
from webgraph.browser.profile import BrowserProfile
from webgraph.browser.signed_profile import sign
from webgraph.errors import FailureKind
from webgraph.network import AddressPolicy
from webgraph.recorder import ArtifactKind
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.webgraph.conftest import Tried
    from webgraph.browser.host import BrowserHost
    from webgraph.page import Page
    from webgraph.runner import AttemptResult

pytestmark = pytest.mark.browser

METADATA = "169.254.169.254"


@pytest.fixture(scope="module")
def attacker() -> Iterator[str]:
    with attacking() as place:
        yield place


@pytest.fixture
def console() -> Iterator[Listener]:
    """A listener on this machine, such as the console's port is."""
    listener = Listener()
    yield listener
    listener.close()


def opening(attempt: Tried, url: str, *allowed: str, seconds: float = 8.0) -> AttemptResult:
    async def job(page: Page) -> None:
        await page.goto(url)
        await page.expect(Target(css="#done"), timeout_seconds=seconds)

    automation = automation_of(job)
    automation.profile = BrowserProfile(service_workers=True)
    return attempt(automation=automation, allowed=allowed)


def request_log(attempt: Tried) -> list[dict[str, Any]]:
    (log,) = attempt.memory.of(ArtifactKind.REQUEST_LOG)
    return [json.loads(line) for line in log.body.splitlines()]


def refusals(attempt: Tried) -> dict[str, str]:
    return {line["url"]: line["reason"] for line in request_log(attempt) if line["type"] == "refused"}


@pytest.mark.parametrize("spelling", ["127.0.0.1", "localhost"])
def test_ssrf_by_parts_sockets_and_workers_of_a_page_does_not_arrive_and_the_log_says_why(
    attempt: Tried, attacker: str, console: Listener, spelling: str
) -> None:
    place = f"{spelling}:{console.port}"

    result = opening(attempt, f"http://{attacker}/everywhere?to={place}", attacker)

    assert result.failure is None
    assert console.arrived == []
    assert f"add {place} to BROWSER_ALLOW_PRIVATE" in refusals(attempt)[place]
    failed = {line["url"].rpartition("/")[2] for line in request_log(attempt) if "reason" in line}
    assert {"fetch", "post", "picture", "script", "style", "events", "worker"} <= failed


def test_ssrf_ways_are_ways_that_lead_to_an_allowed_place(
    attempt: Tried, attacker: str, console: Listener
) -> None:
    """Else the tests of refusals would prove nothing: a page that tries nothing reaches nothing."""
    opening(attempt, f"http://{attacker}/everywhere?to={console.place}", attacker, console.place)

    tried = {
        words.split(b" ")[1].decode() for words in console.arrived if words.startswith((b"GET", b"POST"))
    }
    assert {
        f"/{way}" for way in ("fetch", "post", "socket", "worker", "shared", "service", "beacon")
    } <= tried


@pytest.mark.parametrize("way", NAVIGATIONS)
def test_ssrf_by_a_page_that_leads_the_browser_to_the_console_does_not_arrive(
    attempt: Tried, attacker: str, console: Listener, way: str
) -> None:
    result = opening(attempt, f"http://{attacker}/{way}?to=http://{console.place}/", attacker, seconds=2)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.BAD_PARAMS
    assert f"add {console.place} to BROWSER_ALLOW_PRIVATE" in result.failure.message
    assert console.arrived == []


@pytest.mark.parametrize("way", NAVIGATIONS)
def test_an_address_with_a_sign_in_is_not_opened_by_a_page(
    attempt: Tried, attacker: str, console: Listener, way: str
) -> None:
    """The place is allowed: what is refused is a password in the open."""
    url = f"http://{attacker}/{way}?to=" + quote(f"http://anna:hunter2@{console.place}/")

    result = opening(attempt, url, attacker, console.place, seconds=2)

    assert result.failure is not None
    assert console.arrived == []
    if way != "frame":  # which the browser refuses by itself
        assert result.failure.kind is FailureKind.BAD_PARAMS
        assert "carries a sign-in" in result.failure.message
    assert "hunter2" not in result.failure.message


@pytest.mark.parametrize(
    "spelling",
    ["localhost.", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_ssrf_by_another_spelling_does_not_arrive(
    attempt: Tried, attacker: str, console: Listener, spelling: str
) -> None:
    url = f"http://{attacker}/location?to=http://{spelling}:{console.port}/"

    failure = opening(attempt, url, attacker, seconds=2).failure

    assert failure is not None
    assert failure.kind is FailureKind.BAD_PARAMS
    assert console.arrived == []


@pytest.mark.parametrize(
    "page", ["location?to=http://169.254.169.254/latest/meta-data", "everywhere?to=169.254.169.254"]
)
def test_ssrf_to_the_metadata_service_is_refused_whatever_the_setting_says(
    attempt: Tried, attacker: str, page: str
) -> None:
    result = opening(attempt, f"http://{attacker}/{page}", attacker, f"{METADATA}:80", seconds=4)

    told = result.failure.message if result.failure else refusals(attempt)[f"{METADATA}:80"]
    assert (
        told == f"{METADATA} leads to {METADATA}, a link-local or metadata address; these are never opened."
    )


def test_ssrf_by_a_name_that_changes_its_address_does_not_arrive(
    attempt: Tried, attacker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's own name leads to its server while it loads, and to a neighbour of this machine afterwards."""
    port = int(attacker.partition(":")[2])
    neighbour = Listener("127.0.0.2", port)
    answers = iter(["127.0.0.1"] * 3)  # the step, the document, the connection
    monkeypatch.setattr(network, "resolve", lambda *_: (ipaddress.ip_address(next(answers, "127.0.0.2")),))

    async def job(page: Page) -> None:
        await page.goto(f"http://rebinds.test:{port}/")
        own = page._surface.page
        assert await own.evaluate("fetch('/', {cache: 'no-store'}).then(it => it.ok, () => false)")
        # More at once than the one connection that is open: another one is made, and the name is asked for again.
        ended = await own.evaluate(
            "Promise.all(Array.from({length: 6}, (_, n) => fetch('/?' + n).then(it => 'came', () => 'refused')))"
        )
        assert "refused" in ended

    result = attempt(job, allowed=(attacker,))

    neighbour.close()
    assert result.failure is None
    assert neighbour.arrived == []
    assert f"rebinds.test:{port}" in refusals(attempt)


def test_ssrf_by_what_was_given_no_door_does_not_arrive(shared_host: BrowserHost, console: Listener) -> None:
    """Such as the browser's own background work: it is started with a proxy that does not exist."""

    async def without_door() -> str:
        policy = AddressPolicy((console.place,))
        async with shared_host.lease(sign(BrowserProfile(), {}), policy) as leased:
            assert leased.browser is not None
            context = await leased.browser.new_context()
            page = await context.new_page()
            with pytest.raises(PlaywrightError) as failure:
                await page.goto(f"http://{console.place}/")
            await context.close()
            return str(failure.value)

    assert "ERR_PROXY_CONNECTION_FAILED" in shared_host.submit(without_door()).result(30)
    assert console.arrived == []


def test_ssrf_by_webrtc_sends_no_packet(attempt: Tried, attacker: str) -> None:
    """Nor does WebTransport, by which a page would speak QUIC."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stun:
        stun.bind(("127.0.0.1", 0))
        stun.setblocking(False)

        result = opening(
            attempt, f"http://{attacker}/udp?to=127.0.0.1:{stun.getsockname()[1]}", attacker, seconds=5
        )

        assert result.failure is None
        with pytest.raises(BlockingIOError):
            stun.recv(2000)
