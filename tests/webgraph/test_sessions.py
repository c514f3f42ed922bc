"""Attempts share a signed-in session: restored, proved, renewed, and never kept where that would lose something."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

from automations.library.practice_statements import PracticeStatements
from config.local.processes import inherited
from infra_shared.sessions.file_cache import FileSessionCache
from infra_shared.sessions.rules import Guard, SessionKey, Wish
from infra_shared.totp import TotpSeed
from tests.webgraph.memory import Memory
from webgraph.code_file import FileCodes
from webgraph.errors import FailureKind
from webgraph.evidence.camera import Camera
from webgraph.flow import Automation, NoData, stage
from webgraph.network import AddressPolicy
from webgraph.outcome import AttemptSpec, Outcome
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.practice_site.staff import STAFF_SEED, STAFF_USERNAME
from webgraph.recorder import SignInElsewhere
from webgraph.recovery import SignInAgain
from webgraph.runner import run_attempt
from webgraph.session import Probe, Provenance, SignedInSession
from webgraph.session_desk import CacheDesk
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.support.site import PracticeSite
    from webgraph.surface import Surface

pytestmark = pytest.mark.browser
STAFF = {"username": STAFF_USERNAME, "password": DEMO_PASSWORD}
MEMBER = {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}
HOUR = timedelta(hours=1)


class Member(Automation):
    """Reads the dashboard of the shop, signed in by password alone."""

    key = "member"
    credentials = ("shop",)
    session = SignedInSession(
        site="shop",
        credential="shop",
        login="sign_in",
        probe=Probe(url=lambda params: f"{params.base_url}/dashboard", target=Target(css="#sign-out")),
    )
    recoveries = (SignInAgain(sign=Target(css="#sign-in-form"), stage="sign_in"),)

    class Params(NoData):
        base_url: str

    class State(NoData):
        seen: str = ""

    class Result(NoData):
        head: str

    @stage(effect="idempotent")
    async def sign_in(self, page: Any) -> None:
        account = self.credential("shop")
        await page.goto(f"{self.params.base_url}/sign-in")
        await page.fill(Target(css="#username"), account["username"])
        await page.fill(Target(css="#password"), account["password"])
        await page.click(Target(css="#sign-in"))

    @stage(effect="read")
    async def look(self, page: Any) -> dict[str, str]:
        await page.goto(f"{self.params.base_url}/invoices")
        return {"head": await page.text(Target(css="h1"), timeout_seconds=2)}


class SignedOut(Member):
    """Is signed out by the site in the middle of its work."""

    key = "signed-out"
    fault = "?fault=expired_session"

    @stage(effect="read")
    async def look(self, page: Any) -> dict[str, str]:
        fault, self.fault = self.fault, ""  # of this attempt alone
        await page.goto(f"{self.params.base_url}/invoices{fault}")
        await page.text(Target(css="#total"), timeout_seconds=1)
        return {"head": "Invoices"}


class Remembering(PracticeStatements):
    """Counts as signed in once its browser is remembered, and reads what was kept for that."""

    key = "remembering"
    session = SignedInSession(
        site="shop",
        credential="practice-staff",
        login="sign_in",
        probe=Probe(
            url=lambda params: f"{str(params.base_url).rstrip('/')}/staff", target=Target(css="#kept")
        ),
    )


class Shop:
    """Attempts of one customer after another, with sessions in one folder."""

    def __init__(self, host, site: PracticeSite, folder) -> None:
        self._host = host
        self._site = site
        self._spent = folder / "spent.json"
        self.cache = FileSessionCache(folder / "sessions")
        self.memory = Memory()
        self.desk: CacheDesk | None = None

    def key(self, customer: str, automation: type[Automation]) -> SessionKey:
        return SessionKey(customer, "shop", automation.credentials[0])

    def run(self, automation=Member, *, customer="acme", holder="a", fields=None, **given):
        """One attempt; its desk tells how it came to be signed in."""
        self.desk = CacheDesk(
            self.cache,
            self.key(customer, automation),
            holder=holder,
            lease=HOUR,
            max_age=given.pop("max_age", HOUR),
            guard=Guard(most_failures=2),
        )
        name = automation.credentials[0]
        seed = {name: TotpSeed.of({"totp_seed": STAFF_SEED})}
        spec = AttemptSpec(
            automation=automation,
            params={"base_url": self._site.url},
            secrets={name: fields or (STAFF if name == "practice-staff" else MEMBER)},
            codes=FileCodes(seed, self._spent),
            session=self.desk,
            address_policy=AddressPolicy(allowed=(self._site.host_and_port,)),
            step_timeout_seconds=3.0,
            **given,
        )
        result = run_attempt(spec, self.memory, self._host)
        if result.outcome is Outcome.FAILED and result.failure is not None:
            self.desk.give_up(result.failure.message)
        return result

    @property
    def provenance(self) -> Provenance | None:
        assert self.desk is not None
        return self.desk.use.provenance if self.desk.use is not None else None

    def logins(self) -> int:
        return int(self._site.truth()["sign_ins"])


@pytest.fixture
def shop(shared_host, practice_site, tmp_path) -> Shop:
    """The practice site, put back."""
    return Shop(shared_host, practice_site, tmp_path)


def test_the_second_attempt_goes_on_with_the_session_of_the_first(shop):
    first, provenance = shop.run(), shop.provenance
    second = shop.run(holder="b")

    assert (first.outcome, second.outcome) == (Outcome.SUCCEEDED, Outcome.SUCCEEDED), (first, second)
    assert (provenance, shop.provenance) == (Provenance.FRESH, Provenance.CACHED)
    assert first.result == second.result == {"head": "Invoices"}
    assert shop.logins() == 1
    assert [item.name for item in shop.memory.stages] == ["sign_in", "look", "look"]


def test_canary_of_who_signed_in_is_masked_though_the_attempt_itself_typed_nothing(shop, monkeypatch):
    shop.run()
    masked: list[bool] = []
    take = Camera.jpeg

    async def taken(camera: Camera, surface: Surface) -> bytes:
        masked.append(camera.masks and bool(camera.media))
        return await take(camera, surface)

    monkeypatch.setattr(Camera, "jpeg", taken)
    shop.run(holder="b")

    assert shop.provenance is Provenance.CACHED
    assert masked
    assert all(masked)


def test_a_session_the_site_has_ended_is_refreshed(shop, practice_site):
    shop.run()
    practice_site.reset()

    result = shop.run(holder="b")

    assert (result.outcome, shop.provenance) == (Outcome.SUCCEEDED, Provenance.REFRESHED)
    assert shop.logins() == 1  # counted since the reset
    shop.run(holder="c")
    assert (shop.provenance, shop.logins()) == (Provenance.CACHED, 1)


def test_a_session_is_not_used_beyond_its_maximum_age_nor_with_a_changed_credential(shop):
    shop.run()

    shop.run(holder="b", max_age=timedelta())
    assert (shop.provenance, shop.logins()) == (Provenance.REFRESHED, 2)

    refused = shop.run(holder="c", fields=MEMBER | {"password": "changed"})
    assert refused.failure.kind is FailureKind.AUTH
    assert "Nobody is signed in" in refused.failure.message


def test_another_customer_never_gets_the_session(shop):
    shop.run()

    shop.run(customer="other")

    assert (shop.provenance, shop.logins()) == (Provenance.FRESH, 2)


def test_single_flight_an_attempt_waits_for_the_login_of_another_without_a_browser(shop):
    shop.cache.ask(shop.key("acme", Member), Wish(holder="other", lease=HOUR, max_age=HOUR))

    result = shop.run()

    assert (result.outcome, result.parked) == (Outcome.PARKED, SignInElsewhere())
    assert (result.browser.get("version"), result.steps, shop.logins()) == (None, 0, 0)


def test_after_too_many_failed_logins_nobody_opens_the_site_any_more(shop, practice_site):
    for holder in ("a", "b"):
        shop.run(holder=holder, fields=MEMBER | {"password": "wrong"})
    asked = practice_site.truth()["failed_sign_ins"]

    refused = shop.run(holder="c")

    assert refused.failure.kind is FailureKind.AUTH
    assert refused.failure.permanent
    assert "No login is tried until" in refused.failure.message
    assert practice_site.truth()["failed_sign_ins"] == asked == 2
    shop.cache.release(shop.key("acme", Member))
    assert shop.run(holder="d").outcome is Outcome.SUCCEEDED


def test_a_session_that_ends_in_the_middle_is_renewed_for_all(shop):
    shop.run()

    result = shop.run(SignedOut, holder="b")

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert (shop.provenance, shop.logins()) == (Provenance.REFRESHED, 2)
    assert shop.run(holder="c").outcome is Outcome.SUCCEEDED
    assert (shop.provenance, shop.logins()) == (Provenance.CACHED, 2)


def test_a_one_time_code_is_typed_once_for_two_attempts(shop, practice_site):
    results = [shop.run(PracticeStatements, holder=holder) for holder in "ab"]

    assert [item.outcome for item in results] == [Outcome.SUCCEEDED] * 2, results
    assert len(results[1].result["statements"]) == 3
    assert practice_site.truth()["staff"]["sign_ins"] == 1


@pytest.mark.parametrize(("keeps", "found"), [("key", "CryptoKey"), ("blob", "Blob")])
def test_a_store_with_a_key_or_blob_makes_the_session_not_cacheable(shop, practice_site, keeps, found):
    practice_site.change_staff(keeps=keeps)

    result = shop.run(Remembering)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert shop.provenance is Provenance.DEGRADED
    assert f"staff/device holds a {found}" in shop.desk.use.note
    assert shop.cache.read(shop.key("acme", PracticeStatements), max_age=HOUR) is None


def test_a_plain_record_in_indexed_db_is_kept_with_the_session(shop, practice_site):
    practice_site.change_staff(keeps="record")

    first, second = shop.run(Remembering), shop.run(Remembering, holder="b")

    assert (first.outcome, second.outcome) == (Outcome.SUCCEEDED, Outcome.SUCCEEDED), (first, second)
    assert shop.provenance is Provenance.CACHED
    kept = shop.cache.read(shop.key("acme", Remembering), max_age=HOUR)
    (database,) = kept.state["storage_state"]["origins"][0]["indexedDB"]
    assert (database["name"], database["stores"][0]["name"]) == ("staff", "device")


def test_a_session_cache_out_of_order_leaves_the_attempt_degraded(shop, tmp_path):
    shop.run()
    (tmp_path / "sessions" / "key").write_text(Fernet.generate_key().decode())
    shop.cache = FileSessionCache(tmp_path / "sessions")

    result = shop.run(holder="b")

    assert (result.outcome, shop.provenance) == (Outcome.SUCCEEDED, Provenance.DEGRADED)
    assert "kept with another key" in shop.desk.use.note


def test_webgraph_alone_signs_in_once_for_two_commands_with_sessions_in_files(
    practice_site, tmp_path, browser_executable
):
    secrets = {"STAFF_NAME": STAFF_USERNAME, "STAFF_PASSWORD": DEMO_PASSWORD, "STAFF_SEED": STAFF_SEED}

    def run(out: str) -> str:
        command = [
            sys.executable,
            "-m",
            "webgraph",
            "run",
            "automations.library.practice_statements:PracticeStatements",
        ]
        command += ["--param", f"base_url={practice_site.url}", "--allow", practice_site.host_and_port]
        for field, name in (
            ("username", "STAFF_NAME"),
            ("password", "STAFF_PASSWORD"),
            ("totp_seed", "STAFF_SEED"),
        ):
            command += ["--secret", f"practice-staff.{field}={name}"]
        command += ["--spent-codes", str(tmp_path / "spent.json"), "--sessions", str(tmp_path / "sessions")]
        command += ["--browser", browser_executable, "--out", str(tmp_path / out)]
        done = subprocess.run(command, env=inherited(secrets), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "session: fresh" in run("first")
    assert "session: cached" in run("second")
    assert practice_site.truth()["staff"]["sign_ins"] == 1
    assert not any(b"practice_session" in path.read_bytes() for path in (tmp_path / "sessions").iterdir())
