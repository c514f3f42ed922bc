"""The console in a real browser: quick to the reason, without a complaint, and deaf to what it captured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from automations.models import Schedule
from runs.models import Artifact
from tests.support.runs_factory import FAILURE
from tests.support.waiting import wait_until
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.console import Screen
    from tests.support.runs_factory import RunsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def is_above_the_fold(page: Page, selector: str) -> bool:
    """Whether the whole element is visible without scrolling."""
    box = page.locator(selector).bounding_box()
    assert box is not None, f"{selector} is not on the page"
    return bool(box["y"] >= 0 and box["y"] + box["height"] <= page.evaluate("innerHeight"))


def test_one_click_from_the_list_shows_picture_and_reason_without_scrolling(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    runs_factory.succeeded()
    runs_factory.failed()
    page = screen.open("/admin/runs/run/?state__in=expired,failed,timed_out")

    page.click("#result_list tbody a")
    expect(page.locator("#failure-sentence")).to_have_text(FAILURE)
    wait_until(lambda: page.evaluate("document.querySelector('#decisive-picture').naturalWidth") == 1280)

    assert is_above_the_fold(page, "#failure-sentence")
    assert is_above_the_fold(page, "#decisive-picture")
    assert is_above_the_fold(page, "#last-success img")


def test_a_running_page_follows_the_run_to_its_end_and_keeps_what_is_open(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    claim = runs_factory.claimed()
    runs_factory.step(claim, 1)
    page = screen.open(f"/admin/runs/run/{claim.attempt.run_id}/change/")
    page.click("#steps summary")
    expect(page.locator(".c-step-body dl").first).to_be_visible()

    runs_factory.step(claim, 2)
    expect(page.locator("#steps summary")).to_have_count(2)
    expect(page.locator(".c-step[open]")).to_have_count(1)
    runs_factory.fail(claim, FailureKind.AUTH, "The shop refused the password.")

    expect(page.locator("#failure-sentence")).to_have_text("The shop refused the password.")
    assert page.get_attribute("#run", "hx-get") is None


def test_the_keys_walk_the_steps_and_open_them(screen: Screen, runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    page = screen.open(f"/admin/runs/run/{run.pk}/change/")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".c-step[open] .c-step-index")).to_have_text("2")
    page.keyboard.press("?")
    expect(page.locator("#key-help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("r")

    page.wait_for_url("**/rerun/")


def test_menus_theme_and_palette_work_under_the_security_policy(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    page = screen.open("/admin/runs/run/")

    page.click("text=anna")
    page.click("text=Dark")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.click(".c-menu-wide")
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    page.click(".c-menu-wide")
    page.click("text=Filters")
    expect(page.locator("text=By failure kind")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("read all")
    page.click("#command-results a")

    page.wait_for_url("**/automations/automation/*/change/")


def test_a_schedule_shows_its_fires_while_it_is_written(screen: Screen, runs_factory: RunsFactory) -> None:
    page = screen.open("/admin/automations/schedule/new/shop-invoices/")

    page.fill("[name=cron]", "0 7 * * *")
    expect(page.locator("#preview")).to_contain_text("At 07:00 (Europe/Berlin)")
    page.check("[value=interval]")
    expect(page.locator("#preview")).to_contain_text("Every 15 minutes")
    page.fill("[name=name]", "Quarter hours")
    page.fill("[name=params-city]", "Riga")
    page.click("text=Save the schedule")

    page.wait_for_url("**/schedule/*/change/")
    assert Schedule.objects.get().every_seconds == 900


def test_captured_html_runs_nothing_even_at_its_own_address(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    run = runs_factory.succeeded()
    artifact = Artifact.objects.filter(run=run, kind="step_html")[0]

    screen.expects("Blocked script execution")  # the policy did its work, and says so
    with screen.page.context.expect_console_message(lambda line: "Blocked script execution" in line.text):
        page = screen.open(f"/admin/artifacts/{artifact.pk}/")

    expect(page.locator("h1")).to_have_text("Open the shop")
    assert page.title() == ""
