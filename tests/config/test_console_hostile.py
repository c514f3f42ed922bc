"""Captured files of every kind, opened at their own address by a signed-in operator: nothing in them runs."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error as PlaywrightError

from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.console import Screen
    from tests.support.runs_factory import RunsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
HARM = "window.__ran = true; fetch('/admin/?harm=' + Math.random()); new Image().src = '/admin/?harm=image'"
HTML = f"""<!doctype html><title>kept</title><script>{HARM}; document.title = 'ran'</script>
<img src=x onerror="{HARM}"><iframe src="javascript:{HARM}"></iframe><body onload="{HARM}">
<form action="/admin/?harm=form"><input autofocus onfocus="{HARM}"></form>
<meta http-equiv=refresh content="0;url=/admin/?harm=refresh"><link rel=stylesheet href="/admin/?harm=style">"""
HAS_RUN = "window.__ran || document.title == 'ran' ? 1 : 0"
SVG = f"""<svg xmlns="http://www.w3.org/2000/svg" onload="{HARM}"><script>{HARM}</script>
<foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="{HARM}"/></foreignObject></svg>"""
XML = f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>{HARM}</script></html>'
BODIES = {
    "text/html": HTML,
    "image/svg+xml": SVG,
    "application/xhtml+xml": XML,
    "application/json": f'{{"a": "</script><script>{HARM}</script>"}}',
    "text/javascript": HARM,
    "image/png": "\x89PNG\r\n\x1a\n" + HTML,
}
# What the browser says of what the policy stopped.
STOPPED = (
    "Blocked script execution",
    "Blocked autofocusing",
    "violates the following Content Security Policy directive",
    "Refused to execute the redirect",
)


def zipped() -> bytes:
    """An archive whose only file is the hostile page."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("index.html", HTML)
    return body.getvalue()


def open_directly(page: Page, url: str) -> None:
    """Type the address; a download leaves the page where it was."""
    with suppress(PlaywrightError):  # "Download is starting" is how the browser tells one
        page.goto(url)


def test_a_file_of_any_kind_runs_nothing_at_its_own_address(
    screen: Screen, runs_factory: RunsFactory
) -> None:
    screen.expects(*STOPPED)
    claim = runs_factory.claimed()
    bodies = [
        ("application/zip", zipped()),
        *((name, body.encode("latin-1")) for name, body in BODIES.items()),
    ]
    kept = [runs_factory.keep(claim, kind, *body) for kind in ArtifactKind for body in bodies]
    page = screen.page
    answered: list[str] = []  # what the policy stops is asked for too, and never answered
    page.context.on("response", lambda response: answered.append(response.url))

    ran = []
    for artifact in kept:
        open_directly(page, f"{screen.url}/admin/artifacts/{artifact.pk}/")
        ran += [artifact.kind] * page.evaluate(HAS_RUN)
    page.wait_for_load_state("networkidle")

    assert set(answered) >= {f"{screen.url}/admin/artifacts/{artifact.pk}/" for artifact in kept}
    assert ran == []
    assert [url for url in answered if "harm=" in url] == []


def test_what_is_hostile_would_run_if_it_were_served_as_it_came(screen: Screen) -> None:
    """The bodies above do what they are feared for, so that the test above can fail."""
    screen.expects("/served-as-it-came: ")  # of its broken parts
    page = screen.open("/admin/runs/node/")
    served = screen.url + "/served-as-it-came"
    page.route(served, lambda route: route.fulfill(body=HTML, content_type="text/html"))

    with page.expect_request(lambda request: "harm=" in request.url):
        page.goto(served)


HUGE_BYTES = 5 * 1024 * 1024
LINE = '{{"kind": "console.log", "text": "{}"}}\n'.format(HTML.replace('"', "'").replace("\n", " "))


@pytest.mark.parametrize(
    ("kind", "content_type", "line"),
    [
        (ArtifactKind.CONSOLE_LOG, "application/x-ndjson", LINE),
        (ArtifactKind.STEP_AXTREE, "text/yaml; charset=utf-8", HTML),
        (ArtifactKind.STEP_HTML, "text/html; charset=utf-8", HTML),
    ],
)
def test_a_huge_hostile_file_is_shown_as_its_beginning_and_runs_nothing(
    screen: Screen, runs_factory: RunsFactory, kind: ArtifactKind, content_type: str, line: str
) -> None:
    screen.expects(*STOPPED)
    body = (line * (HUGE_BYTES // len(line))).encode()
    kept = runs_factory.keep(runs_factory.claimed(), kind, content_type, body)
    answered: list[str] = []
    screen.page.context.on("response", lambda response: answered.append(response.url))

    page = screen.open(f"/admin/artifacts/{kept.pk}/view/")
    page.wait_for_load_state("networkidle")

    assert page.evaluate(HAS_RUN) == 0
    assert [url for url in answered if "harm=" in url] == []
    assert len(page.content()) < HUGE_BYTES / 2
    assert page.locator(f"a[href*='/admin/artifacts/{kept.pk}/'][href*=download]").count()
