"""The browser profile against real servers: what a site sees, which way requests go, and what is never kept."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError

from config.local.processes import free_port
from tests.webgraph.profile_servers import BASIC_TOKEN, SIGN_IN, Certificates, Echo, forward_proxy, serving
from webgraph.browser.profile import BrowserProfile, ClientCertificate, HttpBasic, ProxyServer
from webgraph.documents.reading import problems_in
from webgraph.errors import FailureKind
from webgraph.flow import Automation, NoData, stage
from webgraph.network import AddressPolicy
from webgraph.recorder import EvidenceLevel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.webgraph.conftest import Tried
    from webgraph.browser.host import BrowserHost
    from webgraph.page import Page

SECRETS = {"door": SIGN_IN}
WRONG = {"door": SIGN_IN | {"password": "wr0ng-s3same"}}


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with forward_proxy(tmp_path_factory.mktemp("proxy")) as host_and_port:
        yield host_and_port


def visiting(profile: BrowserProfile, *urls: str) -> type[Automation]:
    """An automation with this profile that opens the addresses and returns what it was told of the last page."""

    class Visit(Automation):
        key = "visit"
        credentials = tuple(name for _, name, _ in profile.credentials())

        class Result(BaseModel):
            status: int | None
            language: list[str]
            agent: str

        @stage(effect="read")
        async def work(self, page: Page) -> dict[str, Any]:
            answers = [await page.goto(url) for url in urls]
            asked = "[navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone]"
            shown = page._surface.page
            return {
                "status": answers[-1].status,
                "language": await shown.evaluate(asked),
                "agent": await shown.evaluate("navigator.userAgent"),
            }

    Visit.profile = profile
    return Visit


def through(server: str, **changes: Any) -> BrowserProfile:
    return BrowserProfile(
        proxy=ProxyServer(**{"server": f"http://{server}", "credential": "door", **changes})
    )


@pytest.mark.browser
def test_locale_zone_agent_and_headers_reach_the_site(attempt: Tried, echo: Echo) -> None:
    profile = BrowserProfile(
        locale="lv-LV", timezone="Europe/Riga", user_agent="Probe/1", extra_headers={"X-Desk": "seven"}
    )

    result = attempt(automation=visiting(profile, f"{echo.origin}/"), allowed=(echo.host_and_port,))

    assert result.result == {"status": 200, "language": ["lv-LV", "Europe/Riga"], "agent": "Probe/1"}
    sent = echo.seen[-1]
    assert (sent["x-desk"], sent["user-agent"], sent["accept-language"]) == ("seven", "Probe/1", "lv-LV")
    assert result.browser["profile"] == profile.as_json()


@pytest.mark.browser
def test_a_proxy_is_signed_in_to_and_its_sign_in_kept_nowhere(attempt: Tried, echo: Echo, proxy: str) -> None:
    result = attempt(
        automation=visiting(through(proxy), f"{echo.origin}/"),
        secrets=SECRETS,
        allowed=(echo.host_and_port, proxy),
        evidence=EvidenceLevel.FULL,
    )

    assert result.failure is None
    shown = {"server": f"http://{proxy}", "bypass": [], "credential": "door"}
    assert result.browser["profile"]["proxy"] == shown
    kept = b"".join(item.body for item in attempt.memory.files) + json.dumps(result.browser).encode()
    assert len(kept) > 1000
    for secret in (*SIGN_IN.values(), BASIC_TOKEN):
        assert secret.encode() not in kept


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(("secrets", "credential"), [(WRONG, "door"), ({}, None)])
def test_a_refused_sign_in_to_the_proxy_is_told_at_once(
    attempt: Tried, echo: Echo, proxy: str, scheme: str, secrets: Any, credential: str | None
) -> None:
    profile = through(proxy, credential=credential)

    result = attempt(
        automation=visiting(profile, f"{scheme}://{echo.host_and_port}/"),
        secrets=secrets,
        allowed=(echo.host_and_port, proxy),
    )

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.PROXY, True)
    assert result.failure.message.startswith("The proxy asks for a sign-in, or refused the one it got (407).")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("scheme", "words"),
    [("http", "The proxy itself answered 502"), ("https", "The proxy did not connect to the site.")],
)
def test_a_proxy_that_does_not_reach_the_site_is_a_failure_of_the_proxy(
    attempt: Tried, proxy: str, scheme: str, words: str
) -> None:
    nobody = f"127.0.0.1:{free_port()}"

    result = attempt(
        automation=visiting(through(proxy), f"{scheme}://{nobody}/"), secrets=SECRETS, allowed=(nobody, proxy)
    )

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.PROXY, False)
    assert words in result.failure.message


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
def test_a_proxy_that_is_down_is_told_from_a_site_that_is(attempt: Tried, echo: Echo, scheme: str) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    profile = BrowserProfile(proxy=ProxyServer(server=f"{scheme}://{nobody}"))

    result = attempt(automation=visiting(profile, f"{echo.origin}/"), allowed=(echo.host_and_port, nobody))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.PROXY
    assert result.failure.message == "The proxy could not be reached."


@pytest.mark.browser
def test_a_sites_own_error_stays_its_own_behind_a_proxy(attempt: Tried, echo: Echo, proxy: str) -> None:
    result = attempt(
        automation=visiting(through(proxy), f"{echo.origin}/status/502"),
        secrets=SECRETS,
        allowed=(echo.host_and_port, proxy),
    )

    assert result.failure is not None
    assert result.failure.kind is FailureKind.NAVIGATION


@pytest.mark.browser
def test_what_is_bypassed_is_reached_without_the_proxy(attempt: Tried, echo: Echo) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    profile = BrowserProfile(proxy=ProxyServer(server=f"http://{nobody}", bypass=("127.0.0.1",)))

    result = attempt(automation=visiting(profile, f"{echo.origin}/"), allowed=(echo.host_and_port, nobody))

    assert result.failure is None


def test_a_proxy_on_a_private_address_must_be_allowed(attempt: Tried) -> None:
    result = attempt(automation=visiting(through("10.1.2.3:3128"), "http://x/"), secrets=SECRETS)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.BAD_PARAMS
    assert "10.1.2.3:3128 is a private or loopback address" in result.failure.message


@pytest.mark.browser
def test_http_basic_is_shown_to_its_own_origin_alone(attempt: Tried, echo: Echo) -> None:
    profile = BrowserProfile(http_basic=HttpBasic(origin=echo.origin, credential="door"))
    with serving() as other:
        urls = (f"{echo.origin}/door", f"{other.origin}/door")
        result = attempt(
            automation=visiting(profile, *urls),
            secrets=SECRETS,
            allowed=(echo.host_and_port, other.host_and_port),
            evidence=EvidenceLevel.FULL,
        )

    assert result.result is not None, result.failure
    assert result.result["status"] == 401
    assert echo.seen[-1]["authorization"] == f"Basic {BASIC_TOKEN}"
    assert all("authorization" not in sent for sent in other.seen)
    kept = b"".join(item.body for item in attempt.memory.files)
    assert BASIC_TOKEN.encode() not in kept


@pytest.fixture
def certificates(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """Certificates of an authority that the driver of this test's own host trusts."""
    made = Certificates.make(tmp_path)
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(made.authority_file))
    return made


def certified(*origins: str) -> BrowserProfile:
    return BrowserProfile(client_certificate=ClientCertificate(origins=origins, credential="visitor"))


@pytest.mark.browser
def test_a_client_certificate_opens_its_site_and_no_unchecked_one(
    attempt: Tried, certificates: Certificates, own_host: BrowserHost
) -> None:
    with serving(**certificates.demanding()) as site, serving(**certificates.demanding()) as other:
        given: dict[str, Any] = {
            "secrets": {"visitor": certificates.visitor},
            "allowed": (site.host_and_port, other.host_and_port),
            "host": own_host,
        }
        without = attempt(automation=visiting(BrowserProfile(), f"{site.origin}/"), **given)
        opened = attempt(automation=visiting(certified(site.origin), f"{site.origin}/"), **given)
        strayed = attempt(automation=visiting(certified(site.origin), f"{other.origin}/"), **given)

    assert without.failure is not None
    assert opened.failure is None
    assert strayed.failure is not None
    assert "is not among the origins of the client certificate" in strayed.failure.message
    assert other.seen == []
    stored = json.dumps(opened.browser).encode() + b"".join(item.body for item in attempt.memory.files)
    assert certificates.visitor["key"].splitlines()[1].encode() not in stored


@pytest.mark.browser
def test_beside_a_client_certificate_a_site_of_unknown_authority_is_refused(
    attempt: Tried, tmp_path: Any, own_host: BrowserHost
) -> None:
    made = Certificates.make(tmp_path)
    with serving(**made.demanding()) as site:
        result = attempt(
            automation=visiting(certified(site.origin), f"{site.origin}/"),
            secrets={"visitor": made.visitor},
            allowed=(site.host_and_port,),
            host=own_host,
        )

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.NAVIGATION, True)
    assert "The TLS connection of the client certificate failed" in result.failure.message


@pytest.mark.browser
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"certificate": "no pem", "key": "no pem"},
            "The client certificate of the browser profile is not usable",
        ),
        (
            {"certificate": "no pem"},
            "The credential 'visitor' of the browser profile's client_certificate has no",
        ),
    ],
)
def test_an_unusable_client_certificate_is_a_sign_in_that_failed(
    attempt: Tried, own_host: BrowserHost, fields: dict[str, str], words: str
) -> None:
    automation = visiting(certified("https://shop.example"), "https://shop.example/")

    result = attempt(automation=automation, secrets={"visitor": fields}, host=own_host)

    assert result.failure is not None
    assert (result.failure.kind, result.failure.permanent) == (FailureKind.AUTH, True)
    assert words in result.failure.message


def test_a_profile_names_only_credentials_its_automation_lists() -> None:
    class Careless(Automation):
        key = "careless"
        profile = through("proxy.example:3128")
        Result = NoData

        @stage(effect="read")
        async def work(self, page: Page) -> None: ...

    assert Careless.problems() == [
        "The browser profile's proxy uses the credential 'door', which `credentials` does not list."
    ]


@pytest.mark.parametrize(
    "profile",
    [
        {"proxy": {"server": "http://anna:secret@proxy.example"}},
        {"proxy": {"server": "http://proxy.example", "password": "secret"}},
        {"extra_headers": {"Authorization": "Bearer secret"}},
        {"http_basic": {"origin": "https://anna:secret@shop.example", "credential": "door"}},
    ],
)
def test_a_secret_in_a_profile_is_refused_and_not_repeated(profile: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        BrowserProfile.model_validate(profile)

    (problem,) = refusal.value.errors(include_input=False)
    assert "secret" not in problem["msg"]


def test_a_document_says_what_is_wrong_with_its_profile_line_by_line() -> None:
    document = """key: shop
profile:
  timezone: Mars/Base
  proxy: {server: "http://proxy.example:3128", credential: door}
stages: [{name: look, effect: read, steps: [{goto: "https://x.example"}]}]
"""
    assert [(item.path, item.line) for item in problems_in(document)] == [("profile.timezone", 3)]
    mended = document.replace("Mars/Base", "UTC")
    assert [(item.path, item.line) for item in problems_in(mended)] == [("profile.proxy.credential", 4)]
    assert problems_in(mended.replace("stages", "credentials: [door]\nstages")) == []


def test_behind_a_proxy_unknown_names_are_left_to_it() -> None:
    asyncio.run(AddressPolicy(proxied=True).check("https://known-to-the-proxy.invalid/"))
