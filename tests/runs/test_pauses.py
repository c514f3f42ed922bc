"""The pause switch: what is due waits, what runs goes on, and no run expires because of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from infra_shared.database import database_now
from infra_shared.models import AuditLine
from runs.errors import InvalidRequestError
from runs.models import EVERYTHING, Attempt, Pause, Run, Slot
from runs.services import dispatching
from runs.services.pauses import pause, resume, seen_by
from runs.states import RunState
from tests.support import counted, sample
from tests.support.counted import SHOP

if TYPE_CHECKING:
    from automations.models import AutomationVersion

ACTOR = "operator:anna"
SCOPES = [EVERYTHING, "automation:sample", SHOP, "customer:main"]


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch, db: None) -> AutomationVersion:
    """An automation on the shop."""
    return counted.install(monkeypatch, processes=2)


def _pause(scope: str) -> Pause:
    return pause(scope=scope, reason="the shop moves", actor=ACTOR)[0]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_due_attempt_waits_for_the_end_of_a_pause(scope: str, version: AutomationVersion) -> None:
    _pause(scope)
    run = counted.ask()
    assert counted.dispatched() == []

    assert resume(scope=scope, actor=ACTOR)

    assert counted.dispatched() == [run]
    actions = AuditLine.objects.filter(object_id=scope).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["pause.begin", "pause.end"]


def test_a_pause_of_something_else_keeps_nobody(version: AutomationVersion) -> None:
    _pause("site:https://bank.example")
    run = counted.ask()

    assert counted.dispatched() == [run]


def test_what_runs_when_a_pause_begins_goes_on(version: AutomationVersion) -> None:
    run = counted.ask()
    claim = counted.begun(run)

    _pause(EVERYTHING)
    counted.succeed(claim)

    assert Run.objects.get(pk=run.pk).state == RunState.SUCCEEDED


def test_a_ticket_under_way_when_a_pause_begins_starts_nothing_and_holds_nothing(
    version: AutomationVersion,
) -> None:
    run = counted.ask("7")
    counted.dispatched()
    _pause(SHOP)

    assert sample.claim(run, sample.start_process(version, pid=9)) is None

    assert not Slot.objects.exists()
    assert Attempt.objects.get().ticketed_at is None


def test_a_paused_run_says_why_it_waits(version: AutomationVersion) -> None:
    _pause(SHOP)
    run = counted.ask()

    counted.dispatched()

    run.refresh_from_db()
    assert run.state_reason == "Paused by operator:anna: the shop moves"


@pytest.mark.parametrize("scope", SCOPES)
def test_no_run_expires_because_of_a_pause(scope: str, version: AutomationVersion) -> None:
    _pause(scope)
    run = counted.ask()
    Run.objects.update(expires_at=database_now() - timedelta(seconds=1))

    assert dispatching.expire_waiting_runs() == 0
    resume(scope=scope, actor=ACTOR)
    assert dispatching.expire_waiting_runs() == 0

    run.refresh_from_db()
    assert run.expires_at > database_now() + timedelta(hours=23)


def test_pausing_twice_keeps_the_first_and_resuming_twice_does_nothing(version: AutomationVersion) -> None:
    first = _pause(SHOP)

    again, is_new = pause(scope="site:https://SHOP.example/", reason="again", actor="caller:ci")

    assert (again, is_new) == (first, False)
    assert again.paused_by == ACTOR
    assert resume(scope=SHOP, actor=ACTOR)
    assert not resume(scope=SHOP, actor=ACTOR)


@pytest.mark.parametrize(
    ("scope", "reason", "field"),
    [
        ("automation:nobody", "why", "scope"),
        ("customer:nobody", "why", "scope"),
        ("site:shop", "why", "scope"),
        ("key:account-7", "why", "scope"),
        ("all", "why", "scope"),
        (EVERYTHING, " ", "reason"),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(
    scope: str, reason: str, field: str, version: AutomationVersion
) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        pause(scope=scope, reason=reason, actor=ACTOR)

    assert refusal.value.field == field


def test_another_customers_pause_is_not_seen() -> None:
    rows = [Pause(scope=scope) for scope in (EVERYTHING, SHOP, "customer:acme", "customer:main")]

    assert [row.scope for row in seen_by(["main"], rows)] == [EVERYTHING, SHOP, "customer:main"]
    assert seen_by(["*"], rows) == rows


def test_the_command_pauses_lists_and_resumes(
    version: AutomationVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("pauses", "begin", EVERYTHING, "--reason", "the shop moves")
    call_command("pauses", "list")
    call_command("pauses", "end", EVERYTHING)

    told = capsys.readouterr().out
    assert "Paused." in told
    assert "the shop moves" in told
    assert told.endswith("Resumed.\n")


def test_the_command_says_what_it_cannot_pause(version: AutomationVersion) -> None:
    with pytest.raises(CommandError, match="no automation 'nobody'"):
        call_command("pauses", "begin", "automation:nobody", "--reason", "why")
