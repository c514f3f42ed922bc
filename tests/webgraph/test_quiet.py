"""What the framework itself asks leaves no mark in the trace."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from webgraph.recorder import ArtifactKind
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser


def test_a_trace_holds_what_the_automation_did_and_not_how_the_framework_looked(
    attempt: Tried, pages: LocalPages
):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.fill(Target(css="#name"), "Ada")
        await page.text(Target(css="#said"))

    attempt(job)

    with zipfile.ZipFile(io.BytesIO(attempt.memory.of(ArtifactKind.TRACE)[0].body)) as archive:
        events = [json.loads(line) for line in archive.read("trace.trace").splitlines()]
    calls = {event["method"] for event in events if event["type"] == "before"}
    assert calls >= {"goto", "fill"}
    assert calls.isdisjoint({"evalOnSelectorAll", "evaluateExpression", "content", "title"})
    assert any(event["type"] == "frame-snapshot" for event in events)
