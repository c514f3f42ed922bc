"""A secret param in a real attempt: it reaches the field, and nothing that is stored or logged holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from automations.services import registry
from infra_shared.redaction import Redactor
from runs import execution
from runs.models import Artifact, Checkpoint, RunSecrets, Step
from runs.services.requests import RunRequest, request_run
from tests.support import sample
from tests.support.hand import make_hand
from tests.support.secret_sample import PIN, stored_bytes
from tests.webgraph.local_pages import serving
from webgraph.flow import Automation, stage
from webgraph.secret_values import Secret
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.webgraph.local_pages import LocalPages
    from webgraph.browser.host import BrowserHost
    from webgraph.page import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TypePin(Automation):
    """Types a secret param into a page that reflects it, and keeps what the page says in its state."""

    key = "type-pin"

    class Params(BaseModel):
        """Where, and what."""

        url: str
        pin: Secret

    class State(BaseModel):
        """What the page said."""

        echo: str = ""

    class Result(BaseModel):
        """Whether the page has it."""

        echo: str
        is_there: bool

    @stage(effect="read")
    async def type_it(self, page: Page) -> None:
        """Type it."""
        await page.goto(self.params.url)
        await page.fill(Target(css="#secret"), self.params.pin)
        self.state.echo = await page.text(Target(css="#echo"))

    @stage(effect="read")
    async def tell(self, page: Page) -> dict[str, Any]:
        """Tell what the page said."""
        return {"echo": self.state.echo, "is_there": self.state.echo.endswith(self.params.pin.reveal())}


@pytest.fixture(scope="module")
def pages() -> Iterator[LocalPages]:
    """The pages."""
    with serving() as server:
        yield server


def test_canary_a_secret_param_reaches_the_field_and_nothing_stored_or_logged_holds_it(
    pages: LocalPages, hand_host: BrowserHost, monkeypatch: Any, settings: Any, capfd: Any
) -> None:
    settings.BROWSER_ALLOW_PRIVATE = [pages.host_and_port]
    version = sample.install(monkeypatch, TypePin)
    monkeypatch.setattr(execution, "definitions", registry.definitions)
    request = RunRequest(
        automation="type-pin", params={"url": pages.url("/reflect"), "pin": PIN}, evidence_level="full"
    )
    run = request_run(request=request, origin=sample.OPERATOR).run

    assert make_hand(version, hand_host).carry_out(run) == "succeeded"

    run.refresh_from_db()
    assert run.result == {"echo": "echo •••", "is_there": True}
    assert Step.objects.filter(description__contains="with “•••”").count() == 1
    assert not RunSecrets.objects.exists()
    assert not Checkpoint.objects.exists()
    assert Artifact.objects.stored().filter(run=run).count() > 8
    hunter = Redactor([PIN])
    assert not any(hunter.contains(part.decode("utf-8", "replace")) for part in stored_bytes())
    assert not hunter.contains(capfd.readouterr().err)
