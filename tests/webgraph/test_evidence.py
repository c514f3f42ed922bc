"""What an attempt leaves behind, and that none of it holds a secret."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from PIL import Image
from pydantic import BaseModel

from webgraph.errors import FailureKind
from webgraph.evidence.camera import Camera
from webgraph.flow import Automation, stage
from webgraph.recorder import ArtifactKind, EvidenceLevel
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.webgraph.conftest import Tried
    from tests.webgraph.local_pages import LocalPages
    from webgraph.page import Page

pytestmark = pytest.mark.browser

CANARY = "canary/Zq7 xk&9"
FAILURE_KINDS = {
    ArtifactKind.FAILURE_PICTURE,
    ArtifactKind.FAILURE_HTML,
    ArtifactKind.FAILURE_AXTREE,
}


class TwoStages(Automation):
    """Reads a word in one stage and returns it in the next."""

    key = "two-stages"

    class Params(BaseModel):
        url: str

    class State(BaseModel):
        word: str = ""

    class Result(BaseModel):
        word: str

    @stage(effect="read")
    async def read(self, page: Page) -> None:
        await page.goto(self.params.url)
        self.state.word = await page.text(Target(css="#word"))

    @stage(effect="commit")
    async def tell(self, page: Page) -> dict[str, str]:
        return {"word": self.state.word}


def test_a_whole_attempt_is_told_in_order_with_the_default_evidence(attempt: Tried, pages: LocalPages):
    result = attempt(automation=TwoStages, params={"url": pages.url("/inside")})

    memory = attempt.memory
    assert (result.outcome, result.result, result.steps) == ("succeeded", {"word": "inside"}, 2)
    assert [(item.name, item.effect.value) for item in memory.stages] == [
        ("read", "read"),
        ("tell", "commit"),
    ]
    assert [item.state for item in memory.stage_ends] == [{"word": "inside"}] * 2
    assert [item.step_index for item in memory.of(ArtifactKind.STEP_PICTURE)] == [1, 2]
    assert [item.step_index for item in memory.of(ArtifactKind.STEP_HTML)] == [1, 2]
    assert len(memory.of(ArtifactKind.STAGE_STATE)) == 2
    request = json.loads(memory.of(ArtifactKind.REQUEST_LOG)[0].body.splitlines()[0])
    assert (request["method"], request["status"], request["type"]) == ("GET", 200, "document")
    names = zipfile.ZipFile(io.BytesIO(memory.of(ArtifactKind.TRACE)[0].body)).namelist()
    assert any(name.endswith(".trace") for name in names)
    assert memory.gaps == []


def test_without_evidence_only_a_failure_keeps_files(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))
        await page.click(Target(css="#nowhere"), timeout_seconds=0.2)

    attempt(job, evidence=EvidenceLevel.OFF)

    assert {item.kind for item in attempt.memory.files} == FAILURE_KINDS
    assert attempt.memory.of(ArtifactKind.FAILURE_PICTURE)[0].body.startswith(b"\x89PNG")


def test_a_capture_that_fails_is_a_gap_and_the_run_goes_on(attempt: Tried, pages: LocalPages, monkeypatch):
    async def broken(camera: Camera, surface: object) -> bytes:
        raise OSError(28, "No space left on device")

    async def job(page: Page) -> None:
        await page.goto(pages.url("/form"))

    monkeypatch.setattr(Camera, "jpeg", broken)
    result = attempt(job)

    assert result.failure is None
    assert [(gap.kind, gap.step_index) for gap in attempt.memory.gaps] == [(ArtifactKind.STEP_PICTURE, 1)]
    assert "No space left" in attempt.memory.gaps[0].reason


def test_a_secret_a_page_reflects_everywhere_is_in_no_stored_byte(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/reflect"))
        await page.fill(Target(css="#secret"), CANARY)
        assert (await page.text(Target(css="#echo"))).endswith(CANARY)
        await page.click(Target(css="#nowhere", called=CANARY), timeout_seconds=0.2)

    result = attempt(job, secrets={"shop": {"password": CANARY}})

    memory = attempt.memory
    assert result.failure is not None
    assert result.failure.kind is FailureKind.TARGET_NOT_FOUND
    told = repr([result, memory.intents, memory.outcomes, memory.gaps])
    stored = b"".join(_plain(item.body) for item in memory.files)
    assert {item.kind for item in memory.files} >= FAILURE_KINDS | {ArtifactKind.TRACE}
    for spelling in (CANARY, quote(CANARY), quote(CANARY, safe=""), json.dumps(CANARY)[1:-1]):
        assert spelling not in told
        assert spelling.encode() not in stored
    assert b"Zq7" not in stored


def test_pictures_black_out_every_place_that_shows_a_typed_secret(attempt: Tried, pages: LocalPages):
    async def job(page: Page) -> None:
        await page.goto(pages.url("/split"))
        await page.fill(Target(css="#secret"), CANARY)

    attempt(job, secrets={"shop": {"password": CANARY}})

    picture = attempt.memory.of(ArtifactKind.STEP_PICTURE)[-1]
    image = Image.open(io.BytesIO(picture.body)).convert("L")
    # The words in 40 px stood where now everything is black; the green area below them is untouched.
    words = image.crop((10, 10, 360, 50))
    assert max(words.tobytes()) < 40
    assert min(image.crop((20, 110, 290, 180)).tobytes()) > 100


def _plain(body: bytes) -> bytes:
    if not body.startswith(b"PK"):
        return body
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return b"".join(name.encode() + archive.read(name) for name in archive.namelist())
