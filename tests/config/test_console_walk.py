"""Every page of the console, with everything on it pressed: no complaint, no barrier, nothing too wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib import admin
from django.core.management import call_command
from playwright.sync_api import expect

from automations.models import Customer
from automations.services.credentials import set_credential
from automations.services.schedule_input import ScheduleInput
from automations.services.schedules import create_schedule
from infra_shared.admin.base import ConsoleAdmin
from infra_shared.services import api_keys
from tests.support.axe import serious_problems
from tests.support.pages import console_pages

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.console import Screen
    from tests.support.runs_factory import RunsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
CAPTURED_SCRIPT = "Blocked script execution"
"""What the browser says of captured HTML whose script it did not run: the policy at work."""
PRESS_EVERYTHING = """async () => {
    const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const pressed = new Set();
    const press = async (selector, undo) => {
        for (const element of document.querySelectorAll(selector)) {
            element.click();
            pressed.add(selector);
            await drawn();
            undo(element);
        }
    };
    await press("[data-opens]", (opener) => document.getElementById(opener.dataset.opens).close());
    await press("main details > summary, #content details > summary", () => {});
    await press("[x-on\\\\:click]", (element) => element.isConnected && element.click());
    for (const list of document.querySelectorAll("select")) {
        list.dispatchEvent(new Event("change", { bubbles: true }));
    }
    return pressed.size;
}"""


@pytest.fixture
def lived_in(runs_factory: RunsFactory) -> None:
    """Rows in every list, and runs in many states."""
    call_command("demo", "seed", "--runs", "60")
    call_command("hooks", "seed", "--events", "30")
    runs_factory.succeeded()
    runs_factory.failed()
    runs_factory.waiting_for_a_person()
    runs_factory.requested()
    runs_factory.running()
    wanted = ScheduleInput(
        name="Each hour",
        automation=runs_factory.version.automation,
        customer=Customer.objects.get(key="main"),
        kind="interval",
        every_seconds=3600,
        params={"city": "Riga"},
    )
    create_schedule(wanted=wanted, actor="command")
    set_credential(name="shop", fields={"username": "anna"}, actor="command")
    caller = api_keys.ensure_caller(name="accounting", customers=["*"], actor="command")
    api_keys.issue_key(caller=caller, name="nightly", scopes=["*"], actor="command")


@pytest.mark.usefixtures("lived_in")
@pytest.mark.parametrize(
    ("scheme", "width", "every"),
    [
        ("dark", 390, 2),  # the short form: each second page
        pytest.param("dark", 390, 1, marks=pytest.mark.slow),
        pytest.param("light", 1440, 1, marks=pytest.mark.slow),
    ],
)
def test_every_page_bears_everything_being_pressed(
    screen: Screen, scheme: str, width: int, every: int
) -> None:
    screen.expects(CAPTURED_SCRIPT)
    screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two words it takes
    screen.page.set_viewport_size({"width": width, "height": 900})
    paths = console_pages(screen)

    found = {}
    for path in paths[::every]:
        page = screen.open(path)
        expect(page.locator(".htmx-request")).to_have_count(0)
        if problems := [*serious_problems(page), *too_wide(page)]:
            found[path] = problems
        press_everything(page)

    assert found == {}
    assert set(paths) >= lists_of_the_console()


def press_everything(page: Page) -> None:
    """Open each dropdown, drawer, dialog and folded part, then the command palette; what opened closes again."""
    assert page.evaluate(PRESS_EVERYTHING) > 0
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("invoices")
    expect(page.locator("#command-results a").first).to_be_visible()
    page.keyboard.press("Escape")


def too_wide(page: Page) -> list[str]:
    """What is wrong when the page has to be moved sideways; empty else."""
    needed, there = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [f"{needed} pixels wide"] if needed > there else []


def lists_of_the_console() -> set[str]:
    """The addresses of all lists that have rows with pages."""
    return {
        pages.url("changelist")
        for pages in admin.site._registry.values()
        if isinstance(pages, ConsoleAdmin) and type(pages).row_page is not ConsoleAdmin.row_page
    }
