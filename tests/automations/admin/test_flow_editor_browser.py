"""The flow editor in a real browser: by keyboard, from problem to line, without a lost draft, from recording to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from automations.models import Customer
from automations.services import flows
from automations.services.credentials import Binding, set_credential
from runs.models import WorkerProcess
from tests.automations.admin.test_flow_editor import LOOK, NEW, THREE, TWO, page_of
from tests.support.axe import serious_problems
from tests.support.console import STATUS_ALONE
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until
from tests.webgraph.documents.recordings.test_importing import RECORDED
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import FilePayload, Page

    from tests.support.console import Screen
    from tests.support.node import NodeUnderTest
    from tests.support.site import PracticeSite

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
IMPORT = "/admin/automations/automation/flows/from-recording/"
RUN_MS = 60_000


def write(page: Page, text: str) -> None:
    """Replace what is in the editor, and wait for what the check says of it."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.fill("#id_text", text)


@pytest.mark.timeout(READY_SECONDS + 150)
def test_a_recording_is_uploaded_published_and_runs_as_it_was_imported(
    start_node: Callable[..., NodeUnderTest], screen: Screen, practice_site: PracticeSite
) -> None:
    Customer.objects.get_or_create(key="main")
    account = {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}
    binding = Binding(sites=[practice_site.url])
    set_credential(name="practice-shop", fields=account, binding=binding, actor="command")
    start_node("--processes=1", "--no-chores", BROWSER_ALLOW_PRIVATE=practice_site.host_and_port)
    page = screen.open("/admin/automations/automation/")

    page.click("a:text-is('Import')")
    file: FilePayload = {"name": "rec.json", "mimeType": "application/json", "buffer": RECORDED.encode()}
    page.set_input_files("[name=file]", file)
    page.click("summary:text-is('More')")
    page.fill("[name=credential]", "practice-shop")
    page.click("text=Show the flow")
    expect(page.locator("#content")).to_contain_text("step 26 (click): It uses the secondary mouse button.")
    page.click("text=Review and publish")
    page.click("button:text-is('Publish')")
    page.click("text=Run now")
    page.fill("[name=params-base_url]", practice_site.url)
    wait_until(WorkerProcess.objects.exists, READY_SECONDS, what="a worker process")
    page.click("button:text-is('Run now')")

    expect(page.locator("#run")).to_have_attribute("data-state", "succeeded", timeout=RUN_MS)
    expect(page.locator("#steps")).to_contain_text("Fill “Note” with “Call Ada”")


def test_a_problem_leads_to_its_line_and_goes_when_it_is_mended(screen: Screen) -> None:
    page = screen.open(NEW)
    write(page, LOOK.replace("goto:", "gooto:"))
    expect(page.locator("#flow-verdict")).to_contain_text("1 problem keeps it from being published.")
    expect(page.locator(".c-code-lines .is-wrong")).to_have_text("7")

    page.click(".c-problems [data-line='7']")
    expect(page.locator("#id_text")).to_be_focused()
    assert page.evaluate("getSelection().toString()").strip().startswith("- gooto:")
    page.keyboard.type("      - goto: https://example.com/one")

    expect(page.locator("#flow-checked")).to_contain_text("It can be published")
    expect(page.locator(".c-code-lines .is-wrong")).to_have_count(0)


def test_the_keyboard_indents_continues_lines_undoes_and_leaves(screen: Screen) -> None:
    page = screen.open(NEW)
    area = page.locator("#id_text")
    area.fill("")

    area.press("a")
    page.keyboard.type(":")
    for key in ("Enter", "b", "Enter", "Tab", "c", "Shift+Tab"):
        page.keyboard.press(key)
    assert area.input_value() == "a:\n  b\n  c"
    page.keyboard.press("Control+z")
    assert area.input_value() == "a:\n  b\n    c"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")

    expect(page.get_by_role("button", name="Review and publish")).to_be_focused()


def test_a_tab_gives_back_the_draft_that_was_left(screen: Screen) -> None:
    automation = flows.publish_flow(text=LOOK, actor="command").automation
    page = screen.open(page_of(automation))
    write(page, TWO)

    screen.open("/admin/")
    screen.open(page_of(automation))
    page.click("text=Go on with the draft")
    expect(page.locator("#id_text")).to_have_value(TWO)
    expect(page.locator("#flow-changes")).to_contain_text("1 added, 1 removed")
    page.click("text=Review and publish")
    page.click("button:text-is('Publish')")
    expect(page.locator("body")).to_contain_text("look v2 is published.")

    screen.open(page_of(automation))
    expect(page.locator("#flow-kept")).to_be_hidden()


def test_whoever_was_signed_out_meanwhile_keeps_the_draft(screen: Screen) -> None:
    page = screen.open(NEW)
    page.context.clear_cookies(name="sessionid")

    write(page, LOOK)

    expect(page.locator("#flow-verdict")).to_contain_text("You are signed out.")
    expect(page.locator("#id_text")).to_have_value(LOOK)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_every_page_of_the_editor_is_accessible_and_fits(screen: Screen, scheme: str, width: int) -> None:
    automation = flows.publish_flow(text=LOOK, actor="command").automation
    page = screen.open(page_of(automation))
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two words it takes
    page.set_viewport_size({"width": width, "height": 900})
    seen = [look_at(page)]

    write(page, LOOK.replace("goto:", "gooto:"))
    expect(page.locator(".c-problems li")).to_have_count(1)
    seen.append(look_at(page))
    write(page, THREE)
    expect(page.locator("#flow-changes .c-diff")).to_be_visible()
    page.click("text=Review and publish")
    seen.append(look_at(page))
    flows.publish_flow(text=TWO, actor="operator:berta")
    screen.expects(f"{STATUS_ALONE} 409")
    page.click("button:text-is('Publish')")
    expect(page.locator("#content")).to_contain_text("Version 2 was published while you were editing")
    seen.append(look_at(page))
    for path in (page_of(automation, "versions/1/roll-back/"), page_of(automation, "versions/1/"), IMPORT):
        screen.open(path)
        seen.append(look_at(page))

    assert seen == [[]] * len(seen)


def look_at(page: Page) -> list[str]:
    """Barriers, and how much too wide it is."""
    page.wait_for_load_state("networkidle")
    needed, there = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    wide = [f"{needed} pixels wide at {page.url}"] if needed > there else []
    return [*serious_problems(page), *wide]
