"""Canaries: a secret typed into a page that reflects it everywhere is in nothing that a run leaves behind."""

from __future__ import annotations

import io
import logging
from html import escape
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from django.apps import apps
from pydantic import BaseModel

from automations.services import registry
from automations.services.credentials import Binding, set_credential
from infra_shared.blobs.django_store import artifact_store
from infra_shared.models import Alert
from infra_shared.sealing import unsealed
from runs import execution
from runs.services.requests import RunRequest, request_run
from tests.support import sample
from tests.support.canaries import CANARIES, forms, hits, is_read_in
from tests.support.hand import make_hand
from tests.webgraph.canary_site import picture_of, zipped
from tests.webgraph.local_pages import LocalPages, serving
from webgraph.flow import Automation, stage
from webgraph.recorder import ArtifactKind
from webgraph.target import Target
from webgraph.vision.engines.ocr import Ocr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runs.models import Artifact, Run
    from webgraph.browser.host import BrowserHost
    from webgraph.page import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SECRET = Target(css="#secret")


class TypeCanary(Automation):
    """Types a secret, lets the page reflect it, keeps and returns what it sees, and fails where that is wanted."""

    key = "type-canary"
    credentials = ("shop",)
    max_attempts = 1

    class Params(BaseModel):
        """Where, and how it ends."""

        url: str
        fails: bool = False

    class State(BaseModel):
        """What the page showed."""

        shown: str = ""

    class Result(BaseModel):
        """What the page showed."""

        shown: str

    @stage(effect="read")
    async def reflect(self, page: Page) -> None:
        """Type it, and take everything the page offers."""
        word = self.credential("shop")["password"]
        await page.goto(self.params.url)
        await page.fill(SECRET, word)
        await page.text(Target(css="body[data-done]"))
        self.state.shown = await page.text(Target(css="#plain"))
        structlog.get_logger("canary").warning("page_showed", shown=self.state.shown)
        await page.download(Target(css="#file"))
        await page.download(Target(css="#archive"))

    @stage(effect="read")
    async def end(self, page: Page) -> dict[str, str]:
        """Return what was shown, or fail over something that is called like the secret."""
        if self.params.fails:
            await page.click(Target(css="#nowhere", called=self.state.shown), timeout_seconds=0.2)
        return {"shown": self.state.shown}


@pytest.fixture(scope="module")
def pages() -> Iterator[LocalPages]:
    """The site that reflects."""
    with serving() as server:
        yield server


@pytest.fixture
def typed(monkeypatch, settings, pages: LocalPages, hand_host: BrowserHost) -> Callable[..., Run]:
    """Carry out a run that types a word; the run as it ended."""
    settings.BROWSER_ALLOW_PRIVATE = [pages.host_and_port]

    def carry_out(word: str, **given: Any) -> Run:
        version = sample.install(monkeypatch, TypeCanary)
        monkeypatch.setattr(execution, "definitions", registry.definitions)
        binding = Binding(sites=[pages.url("/")])
        set_credential(name="shop", fields={"password": word}, binding=binding, actor="command")
        level = given.pop("evidence", None)
        params = {"url": pages.url("/canary"), **given}
        asked = RunRequest(automation=version.automation.key, params=params, evidence_level=level)
        run = request_run(request=asked, origin=sample.OPERATOR).run
        make_hand(version, hand_host).carry_out(run)
        run.refresh_from_db()
        return run

    return carry_out


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Every line this process logs, as it is written."""
    handler = next(one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    if before is not None:
        handler.setStream(before)


def _stored(run: Run) -> Iterator[tuple[Artifact, bytes]]:
    for artifact in run.artifacts.filter(blob__isnull=False).select_related("blob"):
        assert artifact.blob is not None
        with artifact_store().open(artifact.blob) as reader:
            yield artifact, reader.read(100_000_000)


def _unsealed(artifact: Artifact) -> bytes:
    assert artifact.sealed_blob is not None
    with artifact_store().open(artifact.sealed_blob) as reader:
        return b"".join(unsealed(io.BytesIO(reader.read(1_000_000))))


def _rows() -> bytes:
    """Every row of the database as it is read."""
    rows = [list(model._default_manager.values()) for model in apps.get_models()]
    return repr(rows).encode()


def _read(picture: bytes, ocr: Ocr) -> list[str]:
    return [found["text"] for found in ocr.look(picture, {}).sightings]


@pytest.mark.parametrize("word", CANARIES.values(), ids=CANARIES)
def test_canary_is_in_no_stored_byte_row_log_line_or_alert_of_a_run_that_failed(typed, word, log):
    run = typed(word, fails=True, evidence="full")

    stored = list(_stored(run))
    kinds = {ArtifactKind(artifact.kind) for artifact, _ in stored}
    assert {*_AT_THE_FULL_LEVEL} <= kinds
    assert [hit for artifact, body in stored for hit in hits(artifact.name, body, word)] == []
    assert hits("rows", _rows(), word) == []
    assert "page_showed" in log.getvalue()
    assert hits("log", log.getvalue().encode(), word) == []
    assert {alert.rule for alert in Alert.objects.open()} >= {"failure", "quarantine"}


def test_canary_is_in_nothing_that_a_run_returns_or_keeps_at_the_default_level(typed):
    word = CANARIES["odd"]

    run = typed(word)

    assert run.result == {"shown": "•••"}
    assert [hit for artifact, body in _stored(run) for hit in hits(artifact.name, body, word)] == []
    assert hits("rows", _rows(), word) == []


def test_canary_in_a_download_is_quarantined_byte_for_byte(typed):
    word = CANARIES["long"]

    run = typed(word)

    found = {row.name: row for row in run.artifacts.filter(kind="download")}
    assert all(row.is_quarantined for row in found.values())
    assert _unsealed(found["statement.csv"]) == f"account,{word}\n".encode()
    assert hits("statements.zip", _unsealed(found["statements.zip"]), word) == [
        f"statements.zip/inner.zip/statement.txt: {form}"
        for form, written in forms(word).items()
        if written == word.encode()
    ]


@pytest.mark.timeout(180)
def test_canary_is_read_in_no_stored_picture(typed):
    word = CANARIES["long"]

    run = typed(word, fails=True)

    ocr = Ocr()
    pictures = {body for artifact, body in _stored(run) if artifact.content_type.startswith("image/")}
    assert is_read_in(_read(picture_of(word), ocr), word)
    assert len(pictures) >= 3
    read = [_read(picture, ocr) for picture in pictures]
    assert any("Archive" in text for texts in read for text in texts)
    assert not any(is_read_in(texts, word) for texts in read)


@pytest.mark.parametrize("word", CANARIES.values(), ids=CANARIES)
def test_canary_would_be_found_in_every_form_and_archive(word):
    for form, written in forms(word).items():
        assert any(form in hit for hit in hits("a.zip", zipped(zipped(written, "b.txt"), "c.zip"), word))
    assert hits("page.html", f"<p><b>{escape(word[:3])}</b>{escape(word[3:])}</p>".encode(), word)


_AT_THE_FULL_LEVEL = (
    ArtifactKind.STEP_BEFORE,
    ArtifactKind.STEP_PICTURE,
    ArtifactKind.STEP_HTML,
    ArtifactKind.STEP_AXTREE,
    ArtifactKind.FAILURE_PICTURE,
    ArtifactKind.FAILURE_HTML,
    ArtifactKind.FAILURE_AXTREE,
    ArtifactKind.TRACE,
    ArtifactKind.REQUEST_LOG,
    ArtifactKind.CONSOLE_LOG,
    ArtifactKind.STAGE_STATE,
)
