"""What operators do all day, done in a real browser: each flow from the overview to its end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from infra_shared.models import ApiKey
from runs.models import Run
from runs.services.answers import answer_commit
from runs.services.dispatching import dispatch_due_attempts
from tests.support.runs_factory import FAILURE
from tests.support.waiting import wait_until
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.console import Screen
    from tests.support.runs_factory import RunsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


class Clicks:
    """Clicks on a page, and counts them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def on(self, selector: str) -> None:
        """Click once."""
        self.count += 1
        self.page.locator(selector).first.click()


def test_from_the_overview_to_a_rerun_with_a_fix_in_fewer_than_six_clicks(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    runs_factory.succeeded()
    failed = runs_factory.failed()
    page = screen.open("/admin/")
    clicks = Clicks(page)

    clicks.on(f"a[href$='{failed.pk}/change/']")
    expect(page.locator("#failure-sentence")).to_have_text(FAILURE)
    expect(page.locator("#last-success img")).to_be_visible()
    clicks.on("[data-key=r]")
    page.fill("[name=params-city]", "Oslo")
    clicks.on("form button:text-is('Rerun')")
    page.wait_for_url(lambda url: str(failed.pk) not in url)
    runs_factory.claimed(Run.objects.get(rerun_of=failed))
    expect(page.locator("#run")).to_have_attribute("data-state", "running")

    expect(page.locator("#params")).to_contain_text("was Riga")
    assert clicks.count < 6


def test_a_rerun_that_succeeds_closes_the_failure_it_mends(screen: Screen, runs_factory: RunsFactory) -> None:
    failed = runs_factory.failed()
    page = screen.open(f"/admin/runs/run/{failed.pk}/rerun/")
    page.click("form button:text-is('Rerun')")
    page.wait_for_url(lambda url: str(failed.pk) not in url)

    claim = runs_factory.claimed(Run.objects.get(rerun_of=failed))
    runs_factory.finish(claim)

    expect(page.locator(".c-run-head h2")).to_contain_text("Succeeded")
    screen.open("/admin/runs/run/?attention=open")
    expect(page.locator("#content")).not_to_contain_text(failed.short_id)


def test_a_failure_is_pinned_and_resolved_with_a_note(screen: Screen, runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    page = screen.open(f"/admin/runs/run/{run.pk}/change/")

    page.click("[data-opens=run-more]")
    page.click("text=Pin: keep it")
    expect(page.locator(".c-run-head")).to_contain_text("Pinned")
    page.click(".c-run-actions >> text=Resolve")
    page.fill("[name=note]", "The shop renamed its button.")
    page.click("text=Mark as resolved")

    expect(page.locator(".c-run-head")).to_contain_text("The shop renamed its button.")


def test_a_family_is_rerun_at_once(screen: Screen, runs_factory: RunsFactory) -> None:
    failed = {runs_factory.failed(f"Order {number} was not found.").pk for number in (17, 4)}
    page = screen.open("/admin/runs/failurefamily/")

    page.click("#result_list tbody a")
    page.click("text=Rerun all 2")
    page.click("text=Rerun them")

    expect(page.locator("body")).to_contain_text("2 reruns are on the way")
    assert set(Run.objects.filter(rerun_of__isnull=False).values_list("rerun_of", flat=True)) == failed


def test_an_unknown_commit_is_answered(screen: Screen, runs_factory: RunsFactory) -> None:
    run = runs_factory.waiting_for_a_person()
    page = screen.open("/admin/")

    page.locator(f"a[href$='{run.pk}/change/']").first.click()
    page.click(".c-run-actions >> text=It did not")
    expect(page.locator("[value=no]")).to_be_checked()
    page.fill("[name=note]", "The order is not in the shop.")
    page.click("text=Save the answer")

    expect(page.locator("#run")).to_have_attribute("data-state", re.compile("retry_wait|queued"))


def test_a_key_is_issued_and_revoked(screen: Screen, runs_factory: RunsFactory) -> None:
    page = screen.open("/admin/infra_shared/apikey/issue/")
    page.fill("[name=caller]", "accounting")
    page.fill("[name=name]", "nightly import")
    page.check("[name=scopes] >> nth=0")
    page.click("text=Issue the key")
    expect(page.locator("#api-key")).to_be_visible()
    page.click("text=I have copied it")

    page.click("#result_list tbody a")
    page.click("text=Revoke")
    page.click("button:has-text('Revoke the key')")

    expect(page.locator("body")).to_contain_text("is revoked")
    assert ApiKey.objects.get().revoked_at is not None


def test_a_step_shows_what_it_looked_for_and_what_went_on_meanwhile(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    claim = runs_factory.claimed()
    runs_factory.step(claim, 1)
    step = claim.attempt.steps.get()
    line = f'{{"at": "{step.started_at.isoformat()}", "method": "GET", "url": "http://shop.example/orders", "status": 200, "milliseconds": 12}}\n'
    runs_factory.keep(claim, ArtifactKind.REQUEST_LOG, "application/x-ndjson", line.encode())
    page = screen.open(f"/admin/runs/run/{claim.attempt.run_id}/change/")

    page.click("#steps summary")
    page.click("text=What it looked for")
    page.click("text=Requests meanwhile")

    expect(page.locator(".c-step-body")).to_contain_text("#step-1")
    expect(page.locator(".c-step-body")).to_contain_text("http://shop.example/orders")


def test_the_same_run_can_be_copied_as_an_api_call(screen: Screen, runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    page = screen.open(f"/admin/runs/run/{run.pk}/change/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.click("[data-opens=run-more]")
    page.click("text=Copy as API call")

    wait_until(lambda: "/api/v1/runs" in page.evaluate("navigator.clipboard.readText()"))
    assert '"city": "Riga"' in page.evaluate("navigator.clipboard.readText()")


def test_every_bar_of_the_charts_leads_to_its_runs(screen: Screen, runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    page = screen.open("/admin/")

    page.locator(".c-bars").first.locator(".c-bar").last.click()

    expect(page.locator("#result_list")).to_contain_text(run.short_id)


def test_a_filter_is_saved_under_a_name_and_forgotten(screen: Screen, runs_factory: RunsFactory) -> None:
    runs_factory.failed()
    page = screen.open("/admin/runs/run/?failure_kind__exact=target_not_found")

    page.click("text=Save this filter")
    page.fill("#filter-name", "Not found")
    page.click("#save-filter button:text-is('Save')")
    screen.open("/admin/runs/run/")
    page.click("nav >> text=Not found")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.click("text=Forget this filter")

    expect(page.locator("nav >> text=Not found")).to_have_count(0)


def test_the_attempts_of_a_run_are_tabs_for_mouse_and_keyboard(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    run = runs_factory.waiting_for_a_person()
    answer_commit(run=run, happened=False, note="", actor="operator:anna")
    dispatch_due_attempts()
    runs_factory.finish(runs_factory.claimed(run))
    page = screen.open(f"/admin/runs/run/{run.pk}/change/")
    first, second = page.get_by_role("tab", name="Attempt 1"), page.get_by_role("tab", name="Attempt 2")
    expect(second).to_have_attribute("aria-selected", "true")

    second.focus()
    page.keyboard.press("ArrowRight")
    expect(first).to_be_focused()
    page.keyboard.press("Enter")

    expect(first).to_have_attribute("aria-selected", "true")
    expect(first).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Attempt 1")).to_contain_text("The browser went away.")
    page.reload()
    expect(first).to_have_attribute("aria-selected", "true")


def test_a_question_is_answered_where_it_is_read_while_the_page_keeps_itself_fresh(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    run = runs_factory.asking()
    page = screen.open("/admin/")

    page.get_by_text("Which code did the shop send?").first.click()
    with page.expect_response(lambda answer: "/live/" in answer.url):
        page.fill(
            "[name=params-code]", "246810"
        )  # the page asks for news meanwhile and leaves the form alone
    expect(page.locator("[name=params-code]")).to_have_value("246810")
    page.get_by_role("button", name="Send the answer").click()

    expect(page.locator("#run")).to_have_attribute("data-state", "retry_wait")
    expect(page.locator("#run h2").first).to_have_text("Goes on in a moment")
    assert Run.objects.get(pk=run.pk).questions.get().answered_by == "operator:anna"
