"""The trace viewer shows what was recorded, and nothing that was recorded runs there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from playwright.sync_api import sync_playwright

from runs.admin.trace_viewer import POLICY, viewer_files
from tests.support.console import client_with
from tests.support.waiting import wait_until
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.console import Screen
    from tests.support.runs_factory import RunsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
HOSTILE = """<!doctype html><title>Orders</title><h1>Orders of today</h1>
<script>top.harmed = true; fetch('/admin/?harm=script')</script>
<img src=x onerror="top.harmed = true; fetch('/admin/?harm=onerror')">
<iframe srcdoc="<script>top.harmed = true; fetch('/admin/?harm=srcdoc')</script>"></iframe>
<svg onload="top.harmed = true; fetch('/admin/?harm=svg')"></svg>
<a href="javascript:top.harmed = true">Click</a>"""


# Of the script that Playwright puts into each snapshot, and of the frame it shows it in; all else fails a test.
OF_THE_VIEWER = ("Executing inline script violates", "allow-scripts and allow-same-origin")
HARMLESS = "<!doctype html><title>Orders</title><style>h1 {color: #137}</style><h1>Orders of today</h1>"


@pytest.fixture
def trace(request: pytest.FixtureRequest, browser_executable: str, tmp_path: Path) -> bytes:
    """A real trace of somebody who clicks the heading of the page given as the parameter."""
    path = tmp_path / "trace.zip"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_executable, chromium_sandbox=False)
        context = browser.new_context()
        context.tracing.start(snapshots=True, screenshots=False)
        page = context.new_page()
        page.set_content(request.param)
        page.click("h1")
        context.tracing.stop(path=path)
        browser.close()
    return path.read_bytes()


@pytest.fixture
def opened(trace: bytes, screen: Screen, runs_factory: RunsFactory) -> tuple[Page, list[str]]:
    """The viewer that was opened from the run's page and shows the trace, and every address that was asked for."""
    screen.expects(*OF_THE_VIEWER)
    claim = runs_factory.claimed()
    runs_factory.keep(claim, ArtifactKind.TRACE, "application/zip", trace)
    page = screen.open(f"/admin/runs/run/{claim.attempt.run_id}/change/")
    page.click("[data-opens=run-more]")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    with page.expect_popup() as coming:
        page.click("text=Open the trace")
    viewer = coming.value
    wait_until(lambda: any("Orders of today" in text for text in texts_of(viewer)))
    return viewer, asked


@pytest.mark.parametrize("trace", [HOSTILE], indirect=True, ids=["hostile"])
def test_a_hostile_page_in_a_trace_is_shown_and_runs_nothing(
    opened: tuple[Page, list[str]], screen: Screen
) -> None:
    viewer, asked = opened

    assert viewer.evaluate("window.harmed") is None
    assert not [url for url in asked if "harm=" in url]


@pytest.mark.parametrize("trace", [HARMLESS], indirect=True, ids=["harmless"])
def test_a_harmless_page_in_a_trace_is_shown_in_its_style_and_only_the_viewer_is_complained_of(
    opened: tuple[Page, list[str]], screen: Screen
) -> None:
    viewer, _asked = opened

    styled = [
        frame.evaluate("getComputedStyle(document.querySelector('h1') ?? document.body).color")
        for frame in viewer.frames
    ]
    assert "rgb(17, 51, 119)" in styled


def texts_of(viewer: Page) -> list[str]:
    """The text of every frame of the viewer."""
    return [frame.evaluate("document.body?.innerText ?? ''") for frame in viewer.frames]


def test_the_viewer_comes_with_exactly_its_policy_and_only_to_who_may_see_files(
    console: Client, runs_factory: RunsFactory
) -> None:
    path = "/admin/trace/index.html"

    answer = console.get(path)

    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "sandbox" not in POLICY
    assert client_with("runs.view_run").get(path).status_code == 403
    assert Client().get(path).status_code == 302


@pytest.mark.parametrize("name", ["../../../package.json", "..%2f..%2fpackage.json", "no-such-file.js"])
def test_the_viewer_gives_no_file_but_its_own(name: str, console: Client) -> None:
    assert "index.html" in viewer_files()
    assert console.get(f"/admin/trace/{name}").status_code == 404
