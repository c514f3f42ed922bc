"""Telling operators that runs need them: one alert for each family of failures, not one for each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from infra_shared.services.alerts import Seen, Severity, alert
from runs.families import digest, normalised
from runs.models import AutomationHealth, FailureFamily
from runs.services.alert_advice import advice_about
from runs.states import FAILED_RUNS

if TYPE_CHECKING:
    from runs.models import Artifact, Run

FAILURE = "failure"
STREAK = "streak"
PERSON = "person"
QUEUE = "queue"
DISPATCHER = "dispatcher"
SCHEDULE_LATE = "schedule-late"
SCHEDULE_REFUSED = "schedule-refused"
SCHEDULE_BROKEN = "schedule-broken"
SCHEDULE_PAUSED = "schedule-paused"
BREAKER = "breaker"
STORAGE = "storage"
QUARANTINE = "quarantine"
SESSION = "session"
RULES = {
    FAILURE: "A run failed",
    STREAK: "An automation fails again and again",
    PERSON: "Runs wait for a person",
    SCHEDULE_LATE: "A schedule fired late, or missed a time",
    SCHEDULE_REFUSED: "A schedule's run was refused",
    SCHEDULE_BROKEN: "A schedule cannot be fired",
    SCHEDULE_PAUSED: "A schedule paused itself",
    QUEUE: "A queue is stuck",
    DISPATCHER: "No dispatcher works",
    BREAKER: "A site's circuit breaker is open",
    STORAGE: "A customer has more stored than its quota, or nearly so",
    QUARANTINE: "A file was quarantined because it holds a secret",
    SESSION: "Logins failed, and no other one is tried for a while",
}
"""Every rule in words. The key of an alert begins with its rule and a colon."""


def alert_about(run: Run, text: str) -> None:
    """Alert about a run that has failed for good, or that waits for a person, as part of the caller's transaction."""
    if run.state in FAILED_RUNS:
        _alert_failure(run, text)
        _alert_streak(run, text)
    else:
        _alert_person(run, text)


def alert_quarantine(run: Run, artifact: Artifact) -> None:
    """Alert about a file that was set aside, as part of the caller's transaction: one for an automation and customer."""
    alert(
        key=f"{QUARANTINE}:{subject_of_pair(run.automation_id, run.customer_id)}",
        title=f"{run.automation.title}: a file was quarantined",
        text=f"{artifact.name} ({artifact.kind}) of run {run.short_id}: {artifact.quarantine_reason}",
        severity=Severity.CRITICAL,
        link=console_link(f"runs/run/{run.pk}/change/"),
        customer=run.customer.key,
        automation=run.automation.key,
    )


def subject_of_pair(automation_id: int, customer_id: int) -> str:
    """How alerts about an automation and a customer are told apart."""
    return f"{automation_id}:{customer_id}"


def console_link(path: str) -> str:
    """The address of a page of the console."""
    return f"{settings.PUBLIC_URL}/admin/{path}"


def runs_link(run: Run, query: str) -> str:
    """The address of the list of this automation's and customer's runs, filtered further by `query`."""
    pair = f"automation__id__exact={run.automation_id}&customer__id__exact={run.customer_id}"
    return console_link(f"runs/run/?{pair}&{query}")


def _seen_in(run: Run) -> Seen:
    return Seen(ref=str(run.pk), link=console_link(f"runs/run/{run.pk}/change/"))


def _alert_failure(run: Run, text: str) -> None:
    family = FailureFamily.objects.filter(
        automation_id=run.automation_id,
        customer_id=run.customer_id,
        stage=run.failed_stage,
        failure_kind=run.failure_kind,
        digest=digest(normalised(run.failure_message)),
    ).first()
    path = f"failurefamily/{family.pk}" if family is not None else f"run/{run.pk}"
    alert(
        key=f"{FAILURE}:{family.pk if family is not None else run.pk}",
        title=f"{run.automation.title}: {run.get_state_display().lower()}",
        text=text,
        link=console_link(f"runs/{path}/change/"),
        advice=advice_about(run),
        seen=_seen_in(run),
        customer=run.customer.key,
        automation=run.automation.key,
    )


def _alert_streak(run: Run, text: str) -> None:
    health = AutomationHealth.objects.filter(
        automation_id=run.automation_id, customer_id=run.customer_id
    ).first()
    if health is None or health.failing_streak < settings.ALERT_FAILURES_IN_A_ROW:
        return
    alert(
        key=f"{STREAK}:{subject_of_pair(run.automation_id, run.customer_id)}",
        title=f"{run.automation.title}: failed {health.failing_streak} times in a row",
        text=f"The last time: {text}",
        severity=Severity.CRITICAL,
        link=runs_link(run, "attention=open"),
        advice=advice_about(run),
        seen=_seen_in(run),
        customer=run.customer.key,
        automation=run.automation.key,
    )


def _alert_person(run: Run, text: str) -> None:
    alert(
        key=f"{PERSON}:{subject_of_pair(run.automation_id, run.customer_id)}",
        title=f"{run.automation.title}: {run.get_state_display().lower()}",
        text=text,
        link=runs_link(run, "state__exact=waiting_input"),
        advice=advice_about(run),
        seen=_seen_in(run),
        customer=run.customer.key,
        automation=run.automation.key,
    )
