"""A credential's values go to the origins it is bound to, whatever the page does; nothing else learns them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from tests.webgraph.local_pages import PAGES
from webgraph.asked_places import AskedPlaces
from webgraph.bindings import (
    NO_ORIGIN,
    Bindings,
    MisplacedSecretError,
    check_element,
    origin_of_frame,
    place_of,
)
from webgraph.browser.profile import BrowserProfile, HttpBasic, ProxyServer
from webgraph.codes import Code
from webgraph.errors import AutomationBugError, FailureKind
from webgraph.files import FileContent
from webgraph.flow import Automation, stage
from webgraph.runner import Outcome
from webgraph.target import Target
from webgraph.workers import dom_actor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import ElementHandle

    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.bindings import PlaceCheck
    from webgraph.page import Page
    from webgraph.runner import AttemptResult

PASSWORD = "canary-7Hq2-horse"
SECRETS = {"shop": {"username": "anna", "password": PASSWORD}}
FIELD = Target(css="#secret")
SHOP, OTHER = "https://shop.example", "https://evil.example"


def test_a_text_is_bound_by_every_value_it_holds_however_it_is_built():
    check = Bindings(SECRETS, {"shop": [SHOP]}).check_for(f"user:{PASSWORD}@")

    assert check is not None
    check(SHOP)
    with pytest.raises(MisplacedSecretError, match=f"“shop” is not bound to {OTHER}") as refused:
        check(OTHER)
    assert PASSWORD not in str(refused.value)


def test_a_value_that_two_credentials_share_may_go_where_either_may():
    secrets = {"shop": {"username": "anna"}, "bank": {"username": "anna"}}

    check = Bindings(secrets, {"shop": [SHOP], "bank": [OTHER]}).check_for("anna")

    assert check is not None
    check(OTHER)
    assert Bindings(secrets, {"shop": [SHOP]}).check_for("anna") is None


def test_a_credential_without_sites_goes_to_no_place_that_the_params_name():
    bindings = Bindings(SECRETS, {"shop": []}, AskedPlaces(Where, {"url": f"{OTHER}/login"}))
    for url in (f"{SHOP}/login", f"{OTHER}/login", "data:text/html,<input>"):
        bindings.open(url)

    check = bindings.check_for(PASSWORD)

    assert check is not None
    check(SHOP)
    with pytest.raises(MisplacedSecretError, match="The run's params name that site"):
        check(OTHER)
    with pytest.raises(MisplacedSecretError, match="find out how the browser came there"):
        check(NO_ORIGIN)


@pytest.mark.parametrize("text", ["", "hannah", "https://shop.example/anna-lena"])
def test_a_text_that_only_looks_like_a_short_value_is_not_bound(text: str):
    assert Bindings({"shop": {"username": "ann"}}, {"shop": [SHOP]}).check_for(text) is None


@pytest.mark.parametrize("url", ["data:text/html,x", "about:blank", "file:///etc/passwd", "", "http://"])
def test_an_address_without_an_origin_fits_no_binding(url: str):
    check = Bindings(SECRETS, {"shop": [SHOP]}).check_for(PASSWORD)

    assert check is not None
    with pytest.raises(MisplacedSecretError, match="without an origin"):
        check(place_of(url))


@pytest.mark.parametrize(
    "profile",
    [
        BrowserProfile(http_basic=HttpBasic(origin=OTHER, credential="shop")),
        BrowserProfile(proxy=ProxyServer(server="http://proxy.example:3128", credential="shop")),
    ],
)
def test_a_browser_profile_signs_in_only_where_its_credential_is_bound(profile: BrowserProfile):
    with pytest.raises(MisplacedSecretError):
        Bindings(SECRETS, {"shop": [SHOP]}).check_profile(profile)
    places = [OTHER, "http://proxy.example:3128"]
    Bindings(SECRETS, {"shop": places}).check_profile(profile)


@pytest.mark.parametrize(
    ("urls", "origin"),
    [
        ([f"{SHOP}/login"], SHOP),
        ([f"{SHOP}/login", "about:srcdoc"], SHOP),
        ([f"{SHOP}/login", f"{OTHER}/advert", "about:srcdoc", "about:blank"], OTHER),
        ([f"{OTHER}/", f"blob:{SHOP}/7f3c"], SHOP),
        ([f"{SHOP}/login", "data:text/html,<input>"], NO_ORIGIN),
        (["about:blank"], NO_ORIGIN),
    ],
)
def test_a_frame_without_an_address_belongs_to_who_made_it(urls: list[str], origin: str):
    frame: Any = None
    for url in urls:
        frame = SimpleNamespace(url=url, parent_frame=frame)

    assert origin_of_frame(frame) == origin


class Where(BaseModel):
    """Params that may name a place."""

    url: str = ""


class Places:
    """One server under two names, which to a browser are two origins."""

    def __init__(self, attempt: Tried, pages: LocalPages) -> None:
        self._attempt = attempt
        self.here = f"http://{pages.host_and_port}"
        self.there = self.here.replace("127.0.0.1", "localhost")
        self.allowed = (pages.host_and_port, self.there.removeprefix("http://"))

    def __call__(
        self, job: Callable[[Page, Callable[[], str]], Awaitable[Any]], **given: Any
    ) -> AttemptResult:
        """Try a job with the credential bound to `here`."""

        class Job(Automation):
            key = "job"
            Params = Where
            credentials = ("shop",)

            @stage(effect="read")
            async def work(self, page: Page) -> None:
                await job(page, lambda: self.credential("shop")["password"])

        spec = {"secrets": SECRETS, "origins": {"shop": [self.here]}, "allowed": self.allowed, **given}
        return self._attempt(automation=Job, **spec)


@pytest.fixture
def places(attempt: Tried, pages: LocalPages) -> Places:
    return Places(attempt, pages)


async def refused(page: Page, field: Target, value: str) -> None:
    """Filling the field is refused, and leaves it empty."""
    with pytest.raises(MisplacedSecretError):
        await page.fill(field, value)
    assert await page.text(field) == ""


@pytest.mark.browser
def test_a_password_is_typed_at_the_origin_it_is_bound_to(places: Places):
    async def job(page: Page, password: Callable[[], str]) -> None:
        await page.goto(f"{places.here}/form")
        await page.fill(Target(css="#password"), password())
        assert await page.text(Target(css="#password")) == PASSWORD

    assert places(job).outcome is Outcome.SUCCEEDED


@pytest.mark.browser
@pytest.mark.parametrize("way", ["/redirect?to=", "/elsewhere?to="])
def test_after_a_redirect_to_another_origin_with_the_same_form_the_password_is_not_typed(
    places: Places, pages: LocalPages, way: str
):
    pages.hits.clear()

    async def job(page: Page, password: Callable[[], str]) -> None:
        await page.goto(f"{places.here}{way}{places.there}/reflect")
        await page.wait_for(Target(css="#secret"))
        await refused(page, FIELD, password())
        await page.fill(FIELD, "no secret")  # anything else is typed as ever
        await page.fill(FIELD, f"{password()}!")

    failure = places(job).failure

    assert failure is not None
    assert (failure.kind, failure.permanent) == (FailureKind.AUTH, True)
    assert places.there in failure.message
    assert PASSWORD not in failure.message


@pytest.mark.browser
def test_a_frame_of_another_origin_gets_no_password_and_one_of_the_same_does(places: Places):
    async def job(page: Page, password: Callable[[], str]) -> None:
        framed = Target(css="#secret", frame="#frame")
        await page.goto(f"{places.here}/holds?to={places.there}/reflect")
        await refused(page, framed, password())
        await page.goto(f"{places.there}/holds?to={places.here}/reflect")
        await page.fill(framed, password())
        assert await page.text(framed) == PASSWORD

    result = places(job)

    assert result.outcome is Outcome.SUCCEEDED, result.failure


@pytest.mark.browser
def test_a_page_that_leads_elsewhere_between_the_check_and_the_keystrokes_gets_nothing(
    places: Places, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    async def then_leave(element: ElementHandle, check: PlaceCheck) -> None:
        frame = await element.owner_frame()
        assert frame is not None
        asked.append(frame.url)
        await check_element(element, check)
        await frame.goto(f"{places.there}/reflect")

    monkeypatch.setattr(dom_actor, "check_element", then_leave)

    async def job(page: Page, password: Callable[[], str]) -> None:
        await page.goto(f"{places.here}/reflect")
        await refused(page, FIELD, password())

    result = places(job)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert [url.partition("/reflect")[0] for url in asked] == [places.here, places.there]


@pytest.mark.browser
def test_a_credential_without_sites_goes_where_the_automation_leads_and_not_where_pages_do(places: Places):
    async def job(page: Page, password: Callable[[], str]) -> None:
        await page.goto(f"{places.here}/redirect?to={places.there}/reflect")
        await refused(page, FIELD, password())
        await page.goto(f"{places.there}/reflect")
        await page.fill(FIELD, password())

    result = places(job, origins={"shop": []})
    asked = places(job, origins={"shop": []}, params={"url": places.there}).failure

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert asked is not None
    assert "The run's params name that site" in asked.message


@pytest.mark.browser
def test_an_attempt_that_goes_on_remembers_what_was_opened_before(places: Places, attempt: Tried):
    class Signs(Automation):
        key = "signs"
        credentials = ("shop",)

        @stage(effect="read")
        async def look(self, page: Page) -> None:
            await page.goto(f"{places.here}/reflect")

        @stage(effect="read")
        async def sign_in(self, page: Page) -> None:
            await page.fill(FIELD, self.credential("shop")["password"])

    given: dict[str, Any] = {"secrets": SECRETS, "origins": {"shop": []}}
    assert attempt(automation=Signs, **given).outcome is Outcome.SUCCEEDED
    left = attempt.memory.stage_ends[0].checkpoint

    result = attempt(automation=Signs, **given, resume_from=left)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    assert attempt.memory.resumptions


@pytest.mark.browser
def test_no_address_upload_or_dialog_carries_a_password_to_another_origin(places: Places):
    async def job(page: Page, password: Callable[[], str]) -> None:
        with pytest.raises(MisplacedSecretError):
            await page.goto(f"{places.there}/inside?key={password()}")
        await page.goto(f"{places.there}/form")
        with pytest.raises(MisplacedSecretError):
            await page.upload(Target(css="#file"), FileContent("a.txt", password().encode()))
        with page.dialogs(accept=True, text=password()):
            await page.click(Target(css="#ask"))
        assert await page.text(Target(css="#said")) == "false"

    result = places(job)

    assert result.outcome is Outcome.SUCCEEDED, result.failure


BOXES = "".join(f"<input id=box{number} maxlength=1>" for number in range(4))


async def spelt(page: Page, word: str) -> None:
    """Fill each box with its character."""
    for number, character in enumerate(word[:4]):
        await page.fill(Target(css=f"#box{number}"), character)


async def pressed(page: Page, word: str) -> None:
    """Press all keys on one box."""
    for character in word:
        await page.press(Target(css="#box3"), character)


@pytest.mark.browser
def test_a_password_is_not_chosen_pressed_or_spelt_into_boxes_of_another_origin(
    places: Places, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(PAGES, "/boxes", f"{BOXES}<select id=word><option>{PASSWORD}</select>")

    async def job(page: Page, password: Callable[[], str]) -> None:
        await page.goto(f"{places.there}/boxes")
        with pytest.raises(MisplacedSecretError):
            await page.select(Target(css="#word"), password())
        with pytest.raises(MisplacedSecretError):
            await spelt(page, password())
        assert await page.text(Target(css="#box1")) == "a"
        assert await page.text(Target(css="#box2")) == ""
        with pytest.raises(AutomationBugError, match="Type it with `fill`"):
            await pressed(page, password())
        with pytest.raises(AutomationBugError, match="every secret, is typed by `fill`"):
            await page.press(Target(css="#box3"), password())

    result = places(job)

    assert result.outcome is Outcome.SUCCEEDED, result.failure


@pytest.mark.browser
def test_canary_spelt_into_boxes_is_in_no_step_and_its_field_shows_dots(
    places: Places, attempt: Tried, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(PAGES, "/boxes", BOXES)

    async def job(page: Page, password: Callable[[], str]) -> None:
        await page.goto(f"{places.here}/boxes")
        await spelt(page, password())
        drawn = "[...document.querySelectorAll('input')].map(box => getComputedStyle(box).webkitTextSecurity)"
        assert await page._surface.page.evaluate(drawn) == ["disc"] * 4

    result = places(job)

    assert result.outcome is Outcome.SUCCEEDED, result.failure
    told = [step.description for step in attempt.memory.intents if step.action == "fill"]
    assert all(words.endswith("with “•••”") for words in told)
    assert len(told) == 4


@pytest.mark.browser
def test_a_one_time_code_is_bound_like_its_credential(places: Places):
    class Once:
        def take(self, credential: str) -> Code:
            assert credential == "shop"
            return Code(value="418203", valid_seconds=20)

    async def job(page: Page, _password: Callable[[], str]) -> None:
        await page.goto(f"{places.there}/reflect")
        await page.fill_code(FIELD, credential="shop")

    failure = places(job, codes=Once()).failure

    assert failure is not None
    assert "not bound to" in failure.message
