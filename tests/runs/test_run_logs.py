"""What is logged while a run works: each line says which run, attempt and step it is about, and the run keeps it."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from pydantic import BaseModel

from automations.services import registry
from automations.services.credentials import Binding, set_credential
from infra_shared.blobs.django_store import artifact_store
from infra_shared.redaction import MASK
from runs import attempt_log, execution
from runs.evidence_gate import EvidenceGate
from runs.services.requests import RunRequest, request_run
from tests.support import sample
from tests.support.hand import make_hand
from tests.webgraph.local_pages import LocalPages, serving
from webgraph.flow import Automation, stage
from webgraph.recorder import ArtifactKind
from webgraph.supervisor import Supervisor
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runs.models import Run
    from webgraph.browser.host import BrowserHost
    from webgraph.page import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORD = "s3cret-word-of-the-shop"


class Talker(Automation):
    """Says something at each step, as itself and as libraries do."""

    key = "talker"
    credentials = ("shop",)
    max_attempts = 1

    class Params(BaseModel):
        """Where, and whether it breaks."""

        url: str
        fails: bool = False

    @stage(effect="read")
    async def look(self, page: Page) -> dict[str, Any]:
        """Open a page and talk."""
        await page.goto(self.params.url)
        self.log.info("page_open", event="mine", word=self.credential("shop")["password"])
        logging.getLogger("playwright").warning("a library in the browser's loop")
        if self.params.fails:
            self.log.error("cannot_go_on")
            await page.click(Target(css="#nowhere"), timeout_seconds=0.2)
        return {}


@pytest.fixture(scope="module")
def pages() -> Iterator[LocalPages]:
    """A site."""
    with serving() as server:
        yield server


@pytest.fixture
def talked(monkeypatch, settings, pages: LocalPages, hand_host: BrowserHost) -> Callable[..., Run]:
    """Carry out a run of the talker; the run as it ended."""
    settings.BROWSER_ALLOW_PRIVATE = [pages.host_and_port]

    def carry_out(**given: Any) -> Run:
        version = sample.install(monkeypatch, Talker)
        monkeypatch.setattr(execution, "definitions", registry.definitions)
        binding = Binding(sites=[pages.url("/")])
        set_credential(name="shop", fields={"password": WORD}, binding=binding, actor="command")
        level = given.pop("evidence", None)
        params = {"url": pages.url("/inside"), **given}
        asked = RunRequest(automation=version.automation.key, params=params, evidence_level=level)
        run = request_run(request=asked, origin=sample.OPERATOR).run
        make_hand(version, hand_host).carry_out(run)
        run.refresh_from_db()
        return run

    return carry_out


def log_of(run: Run) -> list[dict[str, Any]]:
    """The lines the run keeps."""
    lines = []
    for part in run.artifacts.filter(kind=ArtifactKind.LOG).select_related("blob").order_by("id"):
        assert part.blob is not None
        with artifact_store().open(part.blob) as reader:
            lines += [json.loads(line) for line in reader.read(1_000_000).splitlines()]
    return lines


def test_a_run_keeps_what_its_automation_and_libraries_logged_with_the_step_and_without_secrets(talked):
    run = talked(fails=True, evidence="off")

    lines = {line["event"]: line for line in log_of(run)}
    own = lines["page_open"]
    assert (own["level"], own["step"], own["stage"], own["logger"]) == ("info", 1, "look", "automation")
    assert (own["word"], own["event_"]) == (MASK, "mine")
    assert lines["a library in the browser's loop"]["level"] == "warning"
    assert lines["cannot_go_on"]["level"] == "error"
    result = lines["attempt_result"]
    assert (result["outcome"], result["failure_kind"]) == ("failed", "target_not_found")
    assert WORD not in json.dumps(log_of(run))
    assert {item.kind for item in run.artifacts.all()} >= {ArtifactKind.LOG}


def test_lines_of_every_thread_of_a_worker_say_which_run_attempt_and_step_they_are_about(
    talked, monkeypatch: pytest.MonkeyPatch
):
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(attempt_log.AttemptLog, "take", lambda _self, line: seen.append(dict(line)))
    put, act = EvidenceGate.put, Supervisor._carry_out

    def put_and_say(*given: Any, **named: Any) -> Any:
        structlog.get_logger("store").info("stored")
        return put(*given, **named)

    async def act_and_say(*given: Any) -> Any:
        logging.getLogger("loop").info("acts")
        return await act(*given)

    monkeypatch.setattr(EvidenceGate, "put", put_and_say)
    monkeypatch.setattr(Supervisor, "_carry_out", act_and_say)

    run = talked()

    assert {line["event"] for line in seen} >= {"attempt_claimed", "page_open", "attempt_ended"}
    assert {(line["run_id"], line["attempt"]) for line in seen} == {(str(run.pk), 1)}
    assert {line["event"] for line in seen if line.get("step") == 1} >= {"acts", "stored"}


def test_lines_are_stored_while_the_attempt_works_so_that_a_killed_worker_leaves_them(
    talked, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(attempt_log, "FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(execution, "BEAT_SECONDS", 0.02)

    run = talked(fails=True)

    attempt = run.attempts.get()
    parts = run.artifacts.filter(kind=ArtifactKind.LOG).order_by("id")
    assert attempt.finished_at is not None
    assert len(parts) > 1
    assert parts[0].created_at < attempt.steps.latest("index").finished_at
    assert log_of(run)[0]["event"] == "attempt_claimed"
