"""Which addresses a browser may open, whatever way it is sent there."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

import pytest

from tests.webgraph.local_pages import serving
from webgraph import network
from webgraph.errors import AddressRefusedError, FailureKind, NavigationError
from webgraph.network import AddressPolicy, without_sign_in
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

NAMES = {
    "public.example": ("93.184.215.14",),
    "rebound.example": ("93.184.215.14", "127.0.0.1"),
    "intranet.example": ("10.1.2.3",),
}
POLICY = AddressPolicy(
    allowed=("127.0.0.1:8001", "intranet.example:80", "localhost:9000", "169.254.169.254:80")
)


@pytest.fixture(autouse=True)
def _known_names(monkeypatch):
    """Names of the table answer from the table; literal addresses are still read by the system."""
    real = network.resolve

    def resolve(host, port):
        listed = NAMES.get(host)
        return tuple(map(ipaddress.ip_address, listed)) if listed else real(host, port)

    monkeypatch.setattr(network, "resolve", resolve)


@pytest.mark.parametrize(
    "url",
    [
        "https://public.example/a?b=c",
        "http://8.8.8.8:8080/",
        "http://127.0.0.1:8001/",
        "http://2130706433:8001/",
        "http://[::ffff:127.0.0.1]:8001/",
        "http://intranet.example/",
        "http://localhost:9000/",
    ],
)
def test_public_and_listed_addresses_are_opened(url):
    asyncio.run(POLICY.check(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8002/",
        "http://localhost:8002/",
        "http://[::1]/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://172.16.0.1/",
        "http://100.64.0.1/",
        "http://[fd12::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b:1::a00:1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://rebound.example/",
        "http://intranet.example:8080/",
    ],
)
def test_ssrf_private_addresses_are_refused_with_the_setting_that_would_allow_them(url):
    with pytest.raises(AddressRefusedError, match="BROWSER_ALLOW_PRIVATE"):
        asyncio.run(POLICY.check(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[2001:0:4136:e378:8000:63bf:5601:5601]/",
        "http://[fd20:ce::254]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/metadata",
        "http://192.0.0.192/",
        "http://[::ffff:168.63.129.16]/",
        "http://2852039166/",
        "http://metadata.google.internal/",
        "http://METADATA.google.internal./",
        "file:///etc/passwd",
        "ftp://public.example/",
        "chrome://version",
        "javascript:alert(1)",
        "http://127.0.0.1\\@public.example/",
        "http://public.example\t/",
        "http:///nothing",
        "http://public.example:99999/",
    ],
)
def test_ssrf_metadata_other_schemes_and_doubtful_spellings_are_refused_always(url):
    with pytest.raises(AddressRefusedError) as refusal:
        asyncio.run(POLICY.check(url))

    assert "BROWSER_ALLOW_PRIVATE" not in str(refusal.value)
    assert refusal.value.permanent


def test_a_name_nobody_knows_is_a_failed_navigation():
    with pytest.raises(NavigationError, match=r"no-such-host\.invalid"):
        asyncio.run(POLICY.check("http://no-such-host.invalid/"))


@pytest.mark.browser
@pytest.mark.parametrize("way", ["/redirect?to=", "/elsewhere?to="])
def test_a_page_cannot_lead_the_browser_to_a_refused_address(attempt: Tried, pages: LocalPages, way):
    with serving() as private:

        async def job(page: Page) -> None:
            await page.goto(pages.url(way + private.url("/empty")))
            await page.expect(Target(css="#here"), timeout_seconds=2)

        failure = attempt(job).failure

        assert failure is not None
        assert failure.kind is FailureKind.BAD_PARAMS
        assert private.host_and_port in failure.message
        assert private.hits["/empty"] == 0


@pytest.mark.browser
def test_a_window_opened_at_a_refused_address_is_closed_and_fails_the_step(attempt: Tried, pages: LocalPages):
    with serving() as private:

        async def job(page: Page) -> None:
            await page.goto(pages.url("/opens?to=" + private.url("/empty")))
            async with page.popup(Target(css="#go")) as popup:
                await popup.text(Target(css="#here"))

        failure = attempt(job).failure

        assert failure is not None
        assert failure.kind is FailureKind.BAD_PARAMS
        assert private.host_and_port in failure.message


@pytest.mark.parametrize("url", ["http://anna:secret@shop.example/", "https://anna@shop.example/"])
def test_an_address_with_a_sign_in_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        asyncio.run(AddressPolicy().check(url))

    assert "anna" not in str(caught.value)


def test_what_is_shown_of_an_address_holds_no_sign_in() -> None:
    assert without_sign_in("http://anna:p%40ss@shop.example/a@b") == "http://shop.example/a@b"
    assert without_sign_in("http://shop.example/a@b") == "http://shop.example/a@b"
