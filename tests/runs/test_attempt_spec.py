"""What the server's settings, the run and its automation give an attempt to go by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from automations.services import registry
from runs import execution
from runs.services.requests import RunRequest, request_run
from tests.support import sample
from tests.support.hand import make_hand
from webgraph.flow import Automation, stage
from webgraph.outcome import AttemptResult, Outcome
from webgraph.recorder import EvidenceLevel
from webgraph.vision.settings import VisionSettings

if TYPE_CHECKING:
    from webgraph.browser.host import BrowserHost
    from webgraph.outcome import AttemptSpec
    from webgraph.page import Page

pytestmark = pytest.mark.django_db(transaction=True)


class LooksOften(Automation):
    """May spend more of a model than the installation allows."""

    key = "looks-often"
    model_tokens = 50_000

    @stage(effect="read")
    async def look(self, page: Page) -> None:
        """Look."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[AttemptSpec]:
    """What the attempts of this test are given; none of them opens a browser."""
    given: list[AttemptSpec] = []

    def run_attempt(spec: AttemptSpec, *_args: Any, **_options: Any) -> AttemptResult:
        given.append(spec)
        return AttemptResult(outcome=Outcome.SUCCEEDED)

    monkeypatch.setattr(execution, "run_attempt", run_attempt)
    return given


def carried_out(monkeypatch: pytest.MonkeyPatch, **request: Any) -> str:
    """What came of a run of the automation."""
    version = sample.install(monkeypatch, LooksOften)
    monkeypatch.setattr(execution, "definitions", registry.definitions)
    asked = RunRequest(automation=LooksOften.key, params={}, **request)
    run = request_run(request=asked, origin=sample.OPERATOR).run
    return make_hand(version, cast("BrowserHost", None)).carry_out(run)


def test_sight_is_given_as_the_server_is_set_up_and_within_its_bound(
    seen: list[AttemptSpec], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.VISION = VisionSettings(providers=("gemini",), gemini_api_key="k", gemini_model="m")
    settings.VISION_MODEL_TOKENS = 20_000

    assert carried_out(monkeypatch, evidence_level="full") == "succeeded"

    (spec,) = seen
    assert (spec.vision, spec.model_tokens) == (settings.VISION, 20_000)
    assert spec.evidence is EvidenceLevel.FULL
