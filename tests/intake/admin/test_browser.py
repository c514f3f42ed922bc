"""An operator's way in a real browser: a source, a trigger tried while it is typed, an event, its run, a replay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from automations.models import Customer
from intake import tasks
from intake.models import Event
from runs.models import Attempt, Run
from runs.services import dispatching
from tests.support import intake
from tests.support.axe import serious_problems

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.console import Screen
    from tests.support.runs_factory import RunsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def finish(runs_factory: RunsFactory, run: Run) -> None:
    """Let a worker process take the run and do its steps, with pictures."""
    dispatching.dispatch_due_attempts()
    assert Attempt.objects.get(run=run).state == "queued"
    runs_factory.finish(runs_factory.claimed(run))


def make_source(screen: Screen) -> None:
    """Make a source by its form, whose fields follow the scheme, and copy its secret."""
    page = screen.open("/admin/intake/source/new/")
    page.fill("[name=slug]", "releases")
    page.check("[name=scheme][value=hmac]")
    expect(page.locator("[name=signature_header]")).to_be_visible()
    page.check("[name=scheme][value=github]")
    expect(page.locator("[name=signature_header]")).to_be_hidden()
    page.click("text=Make the source")
    expect(page.locator("#source-secret")).to_have_text(re.compile(r"^\S{40,}$"))
    page.click("text=I have copied it")
    expect(page.locator("#source-address")).to_have_text("https://hooks.example/hooks/releases")


def make_trigger(page: Page, automation: str) -> None:
    """Make a trigger by its form, which tries it on the stored events while it is typed."""
    page.click("text=New trigger")
    page.fill("[name=name]", "Invoices of a city")
    page.select_option("[name=automation]", automation)
    page.fill("[name=mapping]", "{city: city")
    expect(page.locator("#trial")).to_contain_text("Params: ")
    page.fill("[name=mapping]", "{city: city}")
    expect(page.locator("#trial")).to_contain_text("1 of the 2 events tried would start a run")
    assert serious_problems(page) == []
    page.click("text=Try it on stored events")
    expect(page.locator("#trial")).to_contain_text("is not of type 'string'")
    page.click("text=Save the trigger")
    expect(page.locator("h2", has_text="What it made of events")).to_be_visible()


def test_from_a_new_source_to_a_replayed_event(
    screen: Screen, runs_factory: RunsFactory, settings: Any
) -> None:
    settings.EDGE_WORKER_URL = "https://hooks.example"
    Customer.objects.get_or_create(key="main")
    make_source(screen)
    intake.stored({"city": "Riga"}, source="releases")
    intake.stored({"town": "Oslo"}, source="releases")
    make_trigger(screen.page, runs_factory.version.automation.key)

    tasks.route_events()
    event = Event.objects.get(state="routed")
    page = screen.open(f"/admin/intake/event/{event.pk}/change/")
    expect(page.locator("#way h2").first).to_have_text("It started a run")
    finish(runs_factory, Run.objects.get())
    expect(page.locator("#matches img")).to_be_visible()
    expect(page.locator("#timeline")).to_contain_text("succeeded")
    assert serious_problems(page) == []

    page.click("[data-opens=replay-ask]")
    page.fill("#replay-ask [name=reason]", "Once more")
    page.click("#replay-ask button[type=submit]")
    expect(page.locator("#way h2").first).to_have_text("Waiting to be routed again")
    tasks.route_events()
    expect(page.locator("#way h2").first).to_have_text("It started a run")
    expect(page.locator("#matches li")).to_have_count(2)
    assert Run.objects.count() == 2
    page.click("[data-opens=replay-ask]")
    expect(page.locator("#replay-ask [name=reason]")).to_be_visible()
