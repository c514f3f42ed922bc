"""An automation that says what its runs count against, and runs of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from runs.models import Attempt, Run, WorkerProcess
from runs.services import dispatching, outcomes
from runs.services.outcomes import Failure
from tests.support import sample
from webgraph.errors import FailureKind
from webgraph.flow import Automation, stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from automations.models import AutomationVersion
    from runs.services.claims import Claim

SHOP = "site:https://shop.example"
BANK = "site:https://bank.example"


class Counted(Automation):
    """Works on the shop with one of its accounts, and on the bank where it is told to pay."""

    key = "sample"
    title = "Counted"
    sites = ("https://Shop.example/login",)
    max_attempts = 5

    class Params(BaseModel):
        """Which account."""

        account: str = ""
        pay: bool = False

    @classmethod
    def sites_of(cls, params: Params) -> list[str]:
        """The shop, and the bank where something is paid."""
        return [*cls.sites, *(["https://bank.example"] if params.pay else [])]

    @classmethod
    def slot_keys(cls, params: Params) -> Mapping[str, int]:
        """One run at a time for each account."""
        return {f"account-{params.account}": 1} if params.account else {}

    @stage(effect="read")
    async def look(self, page: Any) -> None:
        """Look at the page."""


def install(monkeypatch: pytest.MonkeyPatch, *, processes: int = 1) -> AutomationVersion:
    """Publish it, and start so many worker processes that can run it."""
    version = sample.install(monkeypatch, Counted)
    for pid in range(1, processes + 1):
        sample.start_process(version, pid=pid)
    return version


def ask(account: str = "", *, pay: bool = False, **changes: Any) -> Run:
    """Request a run."""
    return sample.ask(params={"account": account, "pay": pay}, **changes)


def dispatched() -> list[Run]:
    """Give everybody due their turn; the runs that got a ticket by now, in the order they were requested."""
    dispatching.dispatch_due_attempts()
    ticketed = Attempt.objects.filter(ticketed_at__isnull=False).values("run_id")
    return list(Run.objects.filter(pk__in=ticketed).order_by("pk"))


def begun(run: Run) -> Claim:
    """Give a run its turn and let a worker process claim it."""
    dispatching.dispatch_due_attempts()
    process = WorkerProcess.objects.filter(current_attempt=None).first()
    assert process is not None
    claim = sample.claim(Run.objects.get(pk=run.pk), process)
    assert claim is not None
    return claim


def fail(claim: Claim, kind: FailureKind = FailureKind.NAVIGATION, **changes: Any) -> None:
    """End an attempt as failed because of its site; its next one follows in its time."""
    facts: dict[str, Any] = {"message": "The site answered 503.", "permanent": True} | changes
    outcomes.finish_failed(claim=claim, failure=Failure(kind=kind, **facts))


def succeed(claim: Claim) -> None:
    """End an attempt well."""
    outcomes.finish_succeeded(claim=claim, result=None)
