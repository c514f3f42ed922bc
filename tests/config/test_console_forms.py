"""The console's forms and parts in a real browser when nights are bad: pressed twice, signed out, cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from automations.models import Schedule
from runs.models import Run
from tests.support.console import NAME, PASSWORD, STATUS_ALONE

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.support.console import Screen
    from tests.support.runs_factory import RunsFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(120),
]
PRESS_TWICE = """() => {
    const button = document.querySelector("#content [type=submit]");
    button.click();
    setTimeout(() => { button.click(); fetch("/healthz"); }, 100);
}"""
"""As people press twice; the request after it says that the second one was."""


def test_a_form_pressed_twice_is_sent_once(screen: Screen, runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    page = screen.open(f"/admin/runs/run/{run.pk}/rerun/")
    held: list[Route] = []
    page.route("**/rerun/", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks what it is given

    with page.expect_request("**/healthz"):
        page.evaluate(PRESS_TWICE)
    held[0].continue_()
    page.wait_for_url("**/change/")

    assert len(held) == 1
    assert Run.objects.filter(rerun_of=run).count() == 1


def test_what_was_typed_outlives_the_sign_in(screen: Screen, runs_factory: RunsFactory) -> None:
    page = screen.open("/admin/automations/schedule/new/shop-invoices/")
    page.fill("[name=name]", "Each morning")
    page.fill("[name=params-city]", "Riga")

    page.context.clear_cookies(name="sessionid")
    page.fill("[name=cron]", "0 7 * * *")
    expect(page.locator("#form-notice")).to_contain_text("What you typed stays here")
    with page.context.expect_page() as opened:
        page.click("#form-notice a")
    other = opened.value
    other.fill("[name=username]", NAME)
    other.fill("[name=password]", PASSWORD)
    other.click("#login-form button[type=submit]")
    expect(other.locator("#nav-sidebar")).to_be_attached()
    page.click("text=Save the schedule")

    page.wait_for_url("**/schedule/*/change/")
    assert (Schedule.objects.get().name, Schedule.objects.get().cron) == ("Each morning", "0 7 * * *")


def test_a_page_that_no_longer_updates_itself_says_so_until_it_does(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    claim = runs_factory.claimed()
    page = screen.open(f"/admin/runs/run/{claim.attempt.run_id}/change/")

    screen.expects("htmx:afterRequest", "htmx:sendError", "net::ERR_FAILED")  # of the requests that failed
    page.route("**/live/**", lambda route: route.abort())
    expect(page.locator("#not-updated")).to_contain_text("The server cannot be reached.")
    page.unroute("**/live/**")
    expect(page.locator("#not-updated")).to_have_count(0)


def test_what_is_wrong_has_the_focus_and_is_told_to_screen_readers(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    screen.expects(STATUS_ALONE)
    page = screen.open("/admin/automations/credential/set/")

    page.fill("[name=name]", "Not a key")
    page.click("#content [type=submit]")

    wrong = page.locator("[name=name]")
    expect(wrong).to_be_focused()
    described = str(wrong.get_attribute("aria-describedby")).split()
    assert all(page.locator(f"#{name}").count() == 1 for name in described)
    assert len(described) == 2
