"""Real attempts on the practice site: what counts happens once, and what was done is not done again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, SecretStr

from automations.library.practice_create_invoice import PASSWORD, SIGN_IN, USERNAME, PracticeCreateInvoice
from automations.services import registry
from automations.services.credentials import Binding, set_credential
from runs import execution
from runs.models import Checkpoint, CommitGuard, Run, Step
from runs.services.questions import answer_question
from runs.services.requests import RunRequest, request_run
from runs.states import RunState
from tests.support import sample
from tests.support.hand import make_hand
from webgraph.errors import NavigationError
from webgraph.flow import Automation, stage
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.target import Target

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from tests.support.hand import Hand
    from tests.support.site import PracticeSite
    from webgraph.browser.host import BrowserHost
    from webgraph.page import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CODE = Target(css="#code")
CONFIRM = Target(css="#confirm")
CONFIRMED = Target(css="#confirmed")


class Sent(BaseModel):
    """What the shop sent to somebody's phone."""

    code: SecretStr


class ConfirmPayouts(Automation):
    """Signs in, asks for the code, and confirms; the first look at the page breaks, where that is wanted."""

    key = "confirm-payouts"
    credentials = ("practice-shop",)
    breaks_left = 0

    class Params(BaseModel):
        """Where the shop is."""

        base_url: str

    class Result(BaseModel):
        """What the shop said."""

        said: str

    @stage(effect="idempotent")
    async def sign_in(self, page: Page) -> None:
        """Sign in."""
        await page.goto(f"{self.params.base_url}/sign-in?next=/tools/confirm")
        account = self.credential("practice-shop")
        await page.fill(USERNAME, account["username"])
        await page.fill(PASSWORD, account["password"])
        await page.click(SIGN_IN)
        await page.expect(CODE)

    @stage(effect="read")
    async def look(self, page: Page) -> None:
        """Look again, or break."""
        if type(self).breaks_left:
            type(self).breaks_left -= 1
            msg = "The shop does not answer."
            raise NavigationError(msg)

    @stage(effect="idempotent")
    async def confirm(self, page: Page) -> dict[str, Any]:
        """Ask and confirm."""
        sent = await page.ask("Which code did the shop send?", schema=Sent)
        await page.fill(CODE, sent.code.get_secret_value())
        await page.click(CONFIRM)
        return {"said": await page.text(CONFIRMED)}


def publish(
    monkeypatch: pytest.MonkeyPatch, automation: type[Automation], site: PracticeSite
) -> AutomationVersion:
    """Publish an automation, with its credential for the site, to a worker in this process."""
    version = sample.install(monkeypatch, automation)
    monkeypatch.setattr(execution, "definitions", registry.definitions)
    fields = {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}
    binding = Binding(sites=[site.url])
    set_credential(name="practice-shop", fields=fields, binding=binding, actor="command")
    return version


@pytest.fixture(autouse=True)
def _may_visit_the_site(practice_site: PracticeSite, settings) -> None:
    settings.BROWSER_ALLOW_PRIVATE = [practice_site.host_and_port]


@pytest.fixture
def confirming(monkeypatch, practice_site: PracticeSite, hand_host: BrowserHost) -> tuple[Hand, Run]:
    """A worker and a run that confirms payouts."""
    monkeypatch.setattr(ConfirmPayouts, "breaks_left", 0)
    version = publish(monkeypatch, ConfirmPayouts, practice_site)
    request = RunRequest(automation=version.automation.key, params={"base_url": practice_site.url})
    run = request_run(request=request, origin=sample.OPERATOR).run
    return make_hand(version, hand_host), run


def test_an_answer_lets_the_run_go_on_in_the_session_it_had(
    confirming: tuple[Hand, Run], practice_site: PracticeSite
) -> None:
    hand, run = confirming
    assert hand.carry_out(run) == "parked"
    (code,) = practice_site.truth()["codes"]

    answer_question(run=run, answer={"code": code}, actor="operator:anna")
    assert hand.carry_out(run) == "succeeded"

    run.refresh_from_db()
    truth = practice_site.truth()
    assert (run.result, run.attempts_made) == ({"said": "The payouts are confirmed."}, 1)
    assert (truth["sign_ins"], truth["confirmations"]) == (1, 1)
    assert run.attempts.get(number=2).resumed_after == "look"
    assert not Step.objects.filter(description__contains=code).exists()
    assert not Checkpoint.objects.exists()


def test_a_retry_goes_on_after_the_stage_that_was_finished(
    confirming: tuple[Hand, Run], practice_site: PracticeSite, monkeypatch
) -> None:
    hand, run = confirming
    monkeypatch.setattr(ConfirmPayouts, "breaks_left", 1)
    assert hand.carry_out(run) == "failed"

    assert hand.carry_out(run) == "parked"

    following = run.attempts.get(number=2)
    assert (following.resumed_after, following.resumed_from) == ("sign_in", run.attempts.get(number=1))
    assert practice_site.truth()["sign_ins"] == 1


def test_a_retry_whose_session_has_ended_starts_over(
    confirming: tuple[Hand, Run], practice_site: PracticeSite, monkeypatch
) -> None:
    hand, run = confirming
    monkeypatch.setattr(ConfirmPayouts, "breaks_left", 1)
    hand.carry_out(run)
    practice_site.reset()  # signs everybody out

    assert hand.carry_out(run) == "parked"

    following = run.attempts.get(number=2)
    assert (following.resumed_after, practice_site.truth()["sign_ins"]) == ("", 1)
    assert "/sign-in" in following.resume_refusal


def test_two_runs_for_the_same_order_create_one_invoice(
    monkeypatch, practice_site: PracticeSite, hand_host: BrowserHost
) -> None:
    version = publish(monkeypatch, PracticeCreateInvoice, practice_site)
    params = {"base_url": practice_site.url, "customer": "Ada", "amount_cents": 500, "reference": "PO-1"}
    request = RunRequest(automation=version.automation.key, params=params)
    runs = [request_run(request=request, origin=sample.OPERATOR).run for _ in range(2)]
    hands = [make_hand(version, hand_host, pid=pid) for pid in (1, 2)]

    with ThreadPoolExecutor(2) as threads:
        ends = [threads.submit(hand.carry_out_in_thread, run) for hand, run in zip(hands, runs, strict=True)]
        words = [end.result(60) for end in ends]
    for run, word in zip(runs, words, strict=True):
        if word == "parked":  # it met the other one in the middle of its commit
            assert hands[0].carry_out(run) == "succeeded"

    (created,) = practice_site.truth()["created"]
    results = [run.result for run in Run.objects.all()]
    assert results == [{"number": created["number"]}] * 2
    assert set(Run.objects.values_list("state", flat=True)) == {RunState.SUCCEEDED}
    assert CommitGuard.objects.count() == 1
