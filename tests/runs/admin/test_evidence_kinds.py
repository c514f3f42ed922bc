"""Each kind of file a step can leave stands with its step, in the way that suits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runs.admin.wording import ARTIFACTS
from tests.support.runs_factory import picture
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Artifact
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
PICTURES = {ArtifactKind.STEP_PICTURE, ArtifactKind.STEP_BEFORE, ArtifactKind.FAILURE_PICTURE}
IN_A_FRAME = {
    ArtifactKind.STEP_HTML,
    ArtifactKind.STEP_AXTREE,
    ArtifactKind.FAILURE_HTML,
    ArtifactKind.FAILURE_AXTREE,
}
"""Captured pages and the trees of pages: only ever inside a sandbox."""
DOWNLOADED = {ArtifactKind.TRACE, ArtifactKind.DOWNLOAD, ArtifactKind.INPUT}


def opened_step(console: Client, runs_factory: RunsFactory, kind: ArtifactKind) -> tuple[Artifact, str]:
    """A step that left one file of this kind, and what it shows when it is opened."""
    claim = runs_factory.claimed()
    runs_factory.step(claim, 1, message="It failed." if kind.value.startswith("failure") else "")
    step = claim.attempt.steps.get()
    step.artifacts.all().delete()
    body = picture("Here", failed=False) if kind in PICTURES else b"{}"
    kept = runs_factory.keep(claim, kind, "image/png" if kind in PICTURES else "text/plain", body, step.pk, 1)
    return kept, console.get(f"/admin/runs/run/{claim.attempt.run_id}/steps/{step.pk}/").text


@pytest.mark.parametrize("kind", list(ArtifactKind))
def test_a_file_of_any_kind_stands_with_its_step(
    kind: ArtifactKind, console: Client, runs_factory: RunsFactory
) -> None:
    kept, text = opened_step(console, runs_factory, kind)

    assert ARTIFACTS[kind] in text
    assert (f'src="/admin/artifacts/{kept.pk}/" alt=' in text) is (kind in PICTURES)
    assert (f'sandbox="" src="/admin/artifacts/{kept.pk}/"' in text) is (kind in IN_A_FRAME)
    assert (f'href="/admin/artifacts/{kept.pk}/?download=1"' in text) is (kind in DOWNLOADED)
    assert (f'href="/admin/artifacts/{kept.pk}/view/"' in text) is (kind not in DOWNLOADED)


def test_the_picture_taken_before_a_step_stands_before_the_one_taken_after(
    console: Client, runs_factory: RunsFactory
) -> None:
    claim = runs_factory.claimed()
    runs_factory.step(claim, 1)
    runs_factory.step(claim, 2)
    step = claim.attempt.steps.get(index=2)
    before = runs_factory.keep(
        claim, ArtifactKind.STEP_BEFORE, "image/png", picture("Before", failed=False), step.pk, 2
    )

    text = console.get(f"/admin/runs/run/{claim.attempt.run_id}/steps/{step.pk}/").text

    assert (
        text.index("<figcaption>Before")
        < text.index(f'artifacts/{before.pk}/" alt')
        < text.index("<figcaption>After")
    )


def test_what_a_request_sent_is_shown_escaped_where_it_was_kept(
    console: Client, runs_factory: RunsFactory
) -> None:
    claim = runs_factory.claimed()
    runs_factory.step(claim, 1)
    step = claim.attempt.steps.get()
    line = f'{{"at": "{step.started_at.isoformat()}", "method": "POST", "url": "http://shop.example/", "status": 200, "body": "<b>amount=3</b>", "body_bytes": 15}}\n'
    runs_factory.keep(claim, ArtifactKind.REQUEST_LOG, "application/x-ndjson", line.encode())

    text = console.get(f"/admin/runs/run/{claim.attempt.run_id}/steps/{step.pk}/").text

    assert "&lt;b&gt;amount=3" in text
