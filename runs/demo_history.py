"""Believable past runs for the demo: pure generation from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from runs.services.past_runs import PastRun, PastStep
from runs.states import Cause, RunState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from automations.models import AutomationVersion, Customer
    from runs.models import Artifact

    Seen = Mapping[tuple[str, bool], Sequence[Sequence[Artifact]]]
    """What the steps of a real run kept, in their order, by the automation's key and whether the run succeeded."""

WEEKS = 4


@dataclass(frozen=True, slots=True)
class Trouble:
    """One way to fail: how often, what is said, and in which stage."""

    share: float
    state: RunState
    kind: str
    stage: str
    message: str


TROUBLES: Mapping[str, Sequence[Trouble]] = {
    "practice-invoices": (
        Trouble(
            0.05,
            RunState.FAILED,
            "target_not_found",
            "sign_in",
            "“E-mail address” was not found (asked: dom).",
        ),
        Trouble(0.03, RunState.FAILED, "navigation", "read_pages", "The site answered 503 after {n} tries."),
        Trouble(0.01, RunState.FAILED, "auth", "sign_in", "The shop refused the sign-in: wrong password."),
        Trouble(0.01, RunState.FAILED, "bad_result", "download", "{n} rows were read, the shop has 200."),
    ),
    "practice-create-invoice": (
        Trouble(
            0.04,
            RunState.FAILED,
            "wrong_page",
            "create",
            "The shop refused the form: the reference is taken.",
        ),
        Trouble(
            0.02,
            RunState.TIMED_OUT,
            "timeout",
            "fill_form",
            "The attempt did not finish within its deadline (300 s).",
        ),
    ),
    "page-snapshot": (
        Trouble(
            0.06,
            RunState.FAILED,
            "navigation",
            "open_page",
            "http://shop-{n}.example/ did not answer (refused).",
        ),
        Trouble(0.02, RunState.CANCELLED, "", "", "cancelled as asked"),
    ),
}
DESCRIPTIONS = {
    "practice-invoices": (
        "Open the sign-in page",
        "Click “Sign in”",
        "Click “Invoices”",
        "Extract the table “Invoices”",
    ),
    "practice-create-invoice": (
        "Open the sign-in page",
        "Click “New invoice”",
        "Fill “Customer”",
        "Click “Create invoice”",
    ),
    "page-snapshot": ("Open the page",),
}
USUAL_SECONDS = {"practice-invoices": 6.0, "practice-create-invoice": 3.5, "page-snapshot": 1.2}


def past_runs(
    *,
    versions: Sequence[AutomationVersion],
    customers: Sequence[Customer],
    count: int,
    until: datetime,
    seed: int,
    seen: Seen | None = None,
) -> Iterator[PastRun]:
    """`count` past runs spread over the weeks before `until`, the oldest first, the same for the same seed.

    `seen` holds what real runs kept: the past runs show it too, so that their pages are not empty.
    """
    chance = random.Random(seed)  # noqa: S311 - a demo, not a secret
    begin = until - timedelta(weeks=WEEKS)
    step = (until - begin) / max(count, 1)
    for number in range(count):
        created_at = begin + step * number + step * (chance.random() * 0.8)
        weights = [6.0, 2.0, 3.0][: len(versions)]
        version = chance.choices(versions, weights=weights)[0]
        yield _one(version, chance.choice(customers), created_at, chance, seen or {})


def waiting_run(*, version: AutomationVersion, customer: Customer, until: datetime) -> PastRun:
    """A run whose worker was lost right after it clicked in a commit stage, minutes before `until`."""
    message = "The worker process node-3 default 4711 went silent in the middle of the attempt."
    stage = version.stages[-1]["name"]
    return PastRun(
        version=version,
        customer=customer,
        created_at=until - timedelta(minutes=9),
        waited=timedelta(seconds=1),
        took=timedelta(seconds=24),
        state=RunState.WAITING_INPUT,
        params={"customer": "Northwind", "amount_cents": 12_500},
        failure_kind="worker_lost",
        failure_message=message,
        failed_stage=stage,
        steps=[
            PastStep(
                stage=stage, action="click", description="Click “Create invoice”", seconds=2.0, ended=False
            )
        ],
        commit_stage=stage,
    )


def _one(
    version: AutomationVersion,
    customer: Customer,
    created_at: datetime,
    chance: random.Random,
    seen: Seen,
) -> PastRun:
    key = version.automation.key
    trouble = _trouble(key, chance)
    kept = seen.get((key, trouble is None)) or seen.get((key, True), ())
    seconds = USUAL_SECONDS[key] * chance.lognormvariate(0, 0.35)
    message = trouble.message.format(n=chance.randint(2, 9)) if trouble else ""
    return PastRun(
        version=version,
        customer=customer,
        created_at=created_at,
        waited=timedelta(seconds=chance.uniform(0.2, 1.5)),
        took=timedelta(seconds=300.0 if trouble and trouble.kind == "timeout" else seconds),
        state=trouble.state if trouble else RunState.SUCCEEDED,
        params=_params(key, chance),
        cause=chance.choices((Cause.SCHEDULE, Cause.API, Cause.OPERATOR), weights=(8, 3, 1))[0],
        failure_kind=trouble.kind if trouble else "",
        failure_message=message,
        failed_stage=trouble.stage if trouble else "",
        steps=_steps(version, trouble, message, seconds, kept),
    )


def _trouble(key: str, chance: random.Random) -> Trouble | None:
    lot = chance.random()
    for trouble in TROUBLES[key]:
        if lot < trouble.share:
            return trouble
        lot -= trouble.share
    return None


def _steps(
    version: AutomationVersion,
    trouble: Trouble | None,
    message: str,
    seconds: float,
    kept: Sequence[Sequence[Artifact]],
) -> list[PastStep]:
    if trouble is None and kept:
        return [_as_seen(artifacts, seconds / len(kept)) for artifacts in kept]
    words = DESCRIPTIONS[version.automation.key]
    stage = trouble.stage if trouble and trouble.stage else version.stages[-1]["name"]
    failed_at = len(words) - 1 if trouble and trouble.kind else None
    return [
        PastStep(
            stage=stage,
            action="click",
            description=description,
            seconds=seconds / len(words),
            succeeded=index != failed_at,
            message=message if index == failed_at else "",
            failure_kind=trouble.kind if trouble and index == failed_at else "",
            artifacts=_of_step(kept, index, len(words)),
        )
        for index, description in enumerate(words)
    ]


def _as_seen(artifacts: Sequence[Artifact], seconds: float) -> PastStep:
    """The step of a real run once more, so that a failure finds the same step in its last success."""
    step = artifacts[0].step
    if step is None:
        msg = "What real runs kept belongs to a step."
        raise ValueError(msg)
    return PastStep(
        stage=step.stage,
        action=step.action,
        description=step.description,
        seconds=seconds,
        url=step.url,
        artifacts=artifacts,
    )


def _of_step(kept: Sequence[Sequence[Artifact]], index: int, count: int) -> Sequence[Artifact]:
    """What the real run's step at about the same place kept; the last step's for the last."""
    return kept[-1 if index == count - 1 else index * len(kept) // count] if kept else ()


def _params(key: str, chance: random.Random) -> dict[str, Any]:
    if key == "page-snapshot":
        return {"url": f"http://shop-{chance.randint(1, 40)}.example/"}
    if key == "practice-create-invoice":
        return {"customer": "Northwind", "amount_cents": chance.randint(1, 900) * 100}
    return {"base_url": "http://127.0.0.1:8001", "layout": "normal"}
