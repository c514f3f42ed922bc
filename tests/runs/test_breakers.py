"""Circuit breakers: a site that fails is left alone, tried by one attempt, and taken up again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError, connection

from infra_shared.database import database_now
from infra_shared.models import Alert, AuditLine
from runs.breaker_policy import LONGEST_PAUSE, Patience, Sign, pause_after, sign_of, to_blame, within_window
from runs.models import Attempt, Breaker, Run, Site
from runs.services import dispatching
from runs.services.breakers import reset_breaker, set_patience
from runs.services.cancelling import cancel_run
from runs.states import RunState
from tests.support import counted
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from automations.models import AutomationVersion

ORIGIN = "https://shop.example"
TWICE = Patience(failures=2, window=timedelta(minutes=5), pause=timedelta(minutes=1))
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch, db: None) -> AutomationVersion:
    """An automation on the shop, whose breaker opens at the second failure."""
    set_patience(origin=ORIGIN, patience=TWICE, actor="operator:anna")
    return counted.install(monkeypatch, processes=3)


def _site() -> Site:
    return Site.objects.get(origin=ORIGIN)


def _broken() -> None:
    for _ in range(2):
        counted.fail(counted.begun(counted.ask()))


def _probe_is_due() -> None:
    Site.objects.update(probe_at=database_now())


@pytest.mark.parametrize(
    ("kind", "action", "sign"),
    [
        (None, "click", Sign.WELL),
        (FailureKind.NAVIGATION, "goto", Sign.AWAY),
        (FailureKind.RATE_LIMITED, "goto", Sign.AWAY),
        (FailureKind.BLOCKED_BY_SITE, "click", Sign.AWAY),
        (FailureKind.PROXY, "goto", Sign.AWAY),
        (FailureKind.TIMEOUT, "goto", Sign.AWAY),
        (FailureKind.TIMEOUT, "click", Sign.NONE),
        (FailureKind.TARGET_NOT_FOUND, "click", Sign.WELL),
        (FailureKind.BUG, "click", Sign.NONE),
        (FailureKind.CANCELLED, "goto", Sign.NONE),
    ],
)
def test_an_end_says_of_its_site_what_it_can_know(kind: FailureKind | None, action: str, sign: Sign) -> None:
    assert sign_of(kind, last_action=action) is sign


def test_only_failures_within_the_window_count() -> None:
    failures = [NOON - timedelta(minutes=6), NOON - timedelta(minutes=4), NOON]

    assert within_window(failures, NOON, TWICE) == failures[1:]


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    pauses = [pause_after(times, TWICE) for times in (1, 2, 3, 60)]

    assert pauses == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4), LONGEST_PAUSE]


def test_a_failure_counts_for_the_site_it_names() -> None:
    sites = [ORIGIN, "https://bank.example"]

    assert to_blame(sites, "The site answered 503 at https://bank.example/pay.") == ["https://bank.example"]
    assert to_blame(sites, "The browser could not open the page.") == sites


def test_failures_open_the_breaker_and_the_sites_attempts_wait_with_the_reason(
    version: AutomationVersion,
) -> None:
    _broken()
    waiting = counted.ask()

    counted.dispatched()

    waiting.refresh_from_db()
    assert waiting.state == RunState.WAITING_SLOT
    assert waiting.state_reason.startswith("The circuit breaker of the site https://shop.example is open")
    assert Alert.objects.get(key=f"breaker:{ORIGIN}").closed_at is None


def test_attempts_on_other_sites_go_on(version: AutomationVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    _broken()
    monkeypatch.setattr(
        counted.Counted, "sites_of", classmethod(lambda _cls, _params: ["https://bank.example"])
    )
    elsewhere = counted.ask()

    assert elsewhere in counted.dispatched()


def test_one_attempt_goes_ahead_and_its_success_closes_the_breaker(version: AutomationVersion) -> None:
    _broken()
    first, second = counted.ask(), counted.ask()
    _probe_is_due()

    assert first in (ahead := counted.dispatched())
    assert second not in ahead
    assert _site().breaker == Breaker.HALF_OPEN

    counted.succeed(counted.begun(first))
    assert _site().breaker == Breaker.CLOSED
    assert second in counted.dispatched()
    assert Alert.objects.get(key=f"breaker:{ORIGIN}").closed_at is not None


def test_a_probe_that_fails_opens_it_again_for_longer(version: AutomationVersion) -> None:
    _broken()
    _probe_is_due()

    counted.fail(counted.begun(counted.ask()))

    site = _site()
    assert site.breaker == Breaker.OPEN
    assert site.probe_at is not None
    assert site.probe_at - database_now() > timedelta(seconds=90)


def test_a_probe_that_proved_nothing_lets_another_go_ahead(version: AutomationVersion) -> None:
    _broken()
    first, second = counted.ask(), counted.ask()
    _probe_is_due()
    counted.dispatched()

    cancel_run(run=Run.objects.get(pk=first.pk), actor="operator:anna")

    assert second in counted.dispatched()


def test_a_lost_ticket_of_a_probe_is_made_again(version: AutomationVersion) -> None:
    _broken()
    run = counted.ask()
    _probe_is_due()
    counted.dispatched()
    expired = database_now() - dispatching.TICKET_LIFE - timedelta(seconds=1)
    Attempt.objects.filter(run=run).update(ticketed_at=expired)

    assert dispatching.dispatch_due_attempts() == 1


def test_a_site_that_asks_to_come_back_later_is_left_alone_by_all(version: AutomationVersion) -> None:
    claim = counted.begun(counted.ask())
    counted.fail(claim, FailureKind.RATE_LIMITED, retry_after=timedelta(minutes=5))
    other = counted.ask()

    assert other not in counted.dispatched()
    Site.objects.update(next_start_at=database_now())
    assert other in counted.dispatched()


def test_an_operator_closes_a_breaker_by_hand(version: AutomationVersion) -> None:
    _broken()
    run = counted.ask()

    assert reset_breaker(site=_site(), actor="operator:anna", reason="it is back")
    assert not reset_breaker(site=_site(), actor="operator:anna")

    assert run in counted.dispatched()
    assert AuditLine.objects.get(action="site.reset").reason == "it is back"


@pytest.mark.django_db(transaction=True)
def test_several_dispatchers_let_one_attempt_go_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    set_patience(origin=ORIGIN, patience=TWICE, actor="operator:anna")
    counted.install(monkeypatch, processes=6)
    _broken()
    runs = [counted.ask() for _ in range(4)]
    _probe_is_due()
    threads = [threading.Thread(target=_tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dispatching.dispatch_due_attempts()

    ahead = Attempt.objects.filter(run__in=runs, ticketed_at__isnull=False)
    assert [attempt.pk for attempt in ahead] == [_site().probe_id]


def _tick() -> None:
    try:
        dispatching.dispatch_due_attempts()
    except OperationalError:  # SQLite's lock, or a deadlock that was broken: the next tick does it
        return
    finally:
        connection.close()


def test_a_run_ends_with_its_whole_time(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(counted.Counted, "run_deadline", timedelta(minutes=1))
    counted.install(monkeypatch)
    claim = counted.begun(run := counted.ask())
    assert claim.attempt.deadline_at == Run.objects.get(pk=run.pk).ends_by

    Run.objects.filter(pk=run.pk).update(ends_by=database_now())
    counted.fail(claim, permanent=False)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert run.state_reason == "the whole run's time is over"
