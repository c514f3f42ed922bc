"""The pages around the console in a real browser: sign-in, second factor, refusals, API reference. No complaint at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.test_console_walk import too_wide
from tests.support.axe import serious_problems
from tests.support.console import NAME, PASSWORD, STATUS_ALONE, Screen, listen
from tests.support.sign_in import Telephone

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


class Visitor:
    """A browser without a session, which judges each page it comes to."""

    def __init__(self, screen: Screen, *, scheme: str, width: int) -> None:
        browser = screen.page.context.browser
        assert browser is not None
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # two of its words
        self.shown = Screen(context.new_page(), screen.url)
        self.page: Page = self.shown.page
        self.problems: dict[str, list[str]] = {}
        self.shown.expects(STATUS_ALONE)
        listen(self.shown)

    def judge(self, name: str) -> None:
        """Note what is wrong with the page that is shown."""
        if problems := [*serious_problems(self.page), *too_wide(self.page)]:
            self.problems[name] = problems

    def send(self, **fields: str) -> None:
        """Fill a form and send it by the Enter key, as people do who never touch the mouse."""
        for name, value in fields.items():
            self.page.fill(f"[name={name}]", value)
        with self.page.expect_navigation():
            self.page.press(f"[name={name}]", "Enter")


@pytest.mark.parametrize(
    ("scheme", "width"), [pytest.param("light", 1440, marks=pytest.mark.slow), ("dark", 390)]
)
def test_the_way_in_breaks_no_policy_and_can_be_gone_by_keyboard(
    screen: Screen, settings, scheme: str, width: int
) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = True
    visitor = Visitor(screen, scheme=scheme, width=width)
    visitor.shown.open("/admin/runs/run/")
    visitor.judge("sign-in")
    visitor.send(username=NAME, password="wrong")
    visitor.judge("sign-in-refused")
    visitor.send(username=NAME, password=PASSWORD)
    visitor.judge("set-up")
    telephone = Telephone(visitor.page.locator("#seed").inner_text().replace(" ", ""))
    visitor.send(code=telephone.code())
    visitor.judge("codes")
    visitor.shown.open("/admin/second-factor/codes/new/")
    visitor.judge("new-codes")
    visitor.shown.open("/admin/confirm/")
    visitor.judge("confirm")
    visitor.page.context.clear_cookies()
    visitor.shown.open("/admin/runs/run/")
    visitor.send(username=NAME, password=PASSWORD)
    visitor.judge("second-factor")
    visitor.send(code=telephone.code())

    assert visitor.page.url.endswith("/admin/runs/run/")
    assert (visitor.problems, visitor.shown.unexpected()) == ({}, [])


@pytest.mark.parametrize(
    ("scheme", "width"), [pytest.param("light", 1440, marks=pytest.mark.slow), ("dark", 390)]
)
def test_refusals_and_the_api_reference_break_no_policy(screen: Screen, scheme: str, width: int) -> None:
    visitor = Visitor(screen, scheme=scheme, width=width)
    visitor.shown.open("/no-such-page")
    visitor.judge("not-here")
    visitor.shown.open("/admin/login/")
    for _ in range(5):
        visitor.send(username="nobody", password="wrong")
    visitor.judge("locked")
    visitor.shown.open("/admin/login/")
    visitor.send(username=NAME, password=PASSWORD)
    visitor.shown.open("/api/v1/docs")
    visitor.page.locator(".opblock").first.wait_for()

    assert (visitor.problems, visitor.shown.unexpected()) == ({}, [])
