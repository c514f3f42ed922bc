"""What the server's settings, the run and its automation give an attempt to go by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import BaseModel

from automations.services import registry
from automations.services.credentials import Binding, set_credential
from runs import execution
from runs.models import Run
from runs.services.requests import RunRequest, request_run
from tests.support import sample
from tests.support.hand import make_hand
from webgraph.flow import Automation, stage
from webgraph.limits import Limits
from webgraph.outcome import AttemptResult, Outcome
from webgraph.recorder import EvidenceLevel
from webgraph.vision.settings import VisionSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def carried_out(
    monkeypatch: pytest.MonkeyPatch, automation: type[Automation] = LooksOften, **request: Any
) -> str:
    """What came of a run of the automation."""
    version = sample.install(monkeypatch, automation)
    monkeypatch.setattr(execution, "definitions", registry.definitions)
    asked = RunRequest(automation=automation.key, **{"params": {}, **request})
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


def test_pages_may_do_what_the_settings_say(
    seen: list[AttemptSpec], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.PAGE_LIMITS = Limits(windows=3)

    assert carried_out(monkeypatch) == "succeeded"

    (spec,) = seen
    assert spec.limits == Limits(windows=3)


class SignsIn(Automation):
    """Uses a credential on the site it declares."""

    key = "signs-in"
    credentials = ("shop",)
    sites = ("https://shop.example/login",)

    @stage(effect="read")
    async def look(self, page: Page) -> None:
        """Look."""


def test_credentials_come_with_their_origins_and_without_the_seeds_of_their_codes(
    seen: list[AttemptSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"username": "anna", "password": "canary-7Hq2", "totp_seed": "JBSWY3DPEHPK3PXP"}
    set_credential(name="shop", fields=fields, kind="login", actor="command")

    assert carried_out(monkeypatch, SignsIn) == "succeeded"

    (spec,) = seen
    assert spec.secrets == {"shop": {"username": "anna", "password": "canary-7Hq2"}}
    assert spec.origins == {"shop": ["https://shop.example"]}


class Elsewhere(BaseModel):
    """A site that whoever asks for the run names."""

    shop: str = "https://shop.example"


class SignsInWhereAsked(SignsIn):
    """Works on its own site and on the one that is asked for."""

    key = "signs-in-where-asked"
    Params = Elsewhere

    @classmethod
    def sites_of(cls, params: Any) -> Sequence[str]:
        """Both."""
        return [*cls.sites, params.shop]


@pytest.mark.parametrize("shop", ["https://evil.example", "https://shop.example/other"])
def test_a_credential_without_sites_is_not_given_to_a_site_that_a_param_names(
    seen: list[AttemptSpec], monkeypatch: pytest.MonkeyPatch, shop: str
) -> None:
    set_credential(name="shop", fields={"token": "canary-7Hq2"}, actor="command")

    assert carried_out(monkeypatch, SignsInWhereAsked, params={"shop": shop}) == "succeeded"

    (spec,) = seen
    assert spec.origins == {"shop": ["https://shop.example"]}


def test_a_credential_that_is_not_for_the_automation_ends_the_run_before_a_browser_starts(
    seen: list[AttemptSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.install(monkeypatch)
    binding = Binding(automations=["sample"])
    set_credential(name="shop", fields={"token": "x"}, binding=binding, actor="command")

    assert carried_out(monkeypatch, SignsIn) == "failed"

    run = Run.objects.get()
    assert seen == []
    assert (run.state, run.failure_kind, run.attempts.count()) == ("failed", "auth", 1)
    assert "not for the automation 'signs-in'" in run.failure_message
