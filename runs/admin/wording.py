"""What the console says about runs, in words for people who do not program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from infra_shared.templatetags.console import words
from runs.services.questions import reason_of
from runs.states import AttemptState, Cause, RunState
from webgraph.errors import FailureKind
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from runs.models import CommitGuard, Question, Run

FAILURES = {
    FailureKind.NAVIGATION: "A page could not be reached",
    FailureKind.TIMEOUT: "It took too long",
    FailureKind.TARGET_NOT_FOUND: "Something on the page was not found",
    FailureKind.TARGET_AMBIGUOUS: "Several things on the page fitted equally well",
    FailureKind.WRONG_PAGE: "It was on another page than expected",
    FailureKind.AUTH: "The sign-in did not work",
    FailureKind.BLOCKED_BY_SITE: "The site refuses automated visitors",
    FailureKind.RATE_LIMITED: "The site asked to come back later",
    FailureKind.BAD_PARAMS: "The params cannot work",
    FailureKind.BAD_RESULT: "What was read does not fit the expected result",
    FailureKind.BROWSER_CRASH: "The browser crashed",
    FailureKind.WORKER_LOST: "The worker process was lost",
    FailureKind.PROXY: "The proxy failed",
    FailureKind.STORAGE: "The storage failed",
    FailureKind.BUG: "The automation's own code failed",
    FailureKind.CANCELLED: "It was cancelled",
}
ARTIFACTS = {
    ArtifactKind.STEP_PICTURE: "Picture",
    ArtifactKind.STEP_HTML: "Page as HTML",
    ArtifactKind.STEP_BEFORE: "Picture before the step",
    ArtifactKind.STEP_AXTREE: "Accessibility tree",
    ArtifactKind.FAILURE_PICTURE: "Picture of the failure",
    ArtifactKind.FAILURE_HTML: "Page as HTML at the failure",
    ArtifactKind.FAILURE_AXTREE: "Accessibility tree at the failure",
    ArtifactKind.TRACE: "Trace",
    ArtifactKind.REQUEST_LOG: "Requests",
    ArtifactKind.CONSOLE_LOG: "Browser console",
    ArtifactKind.LOG: "Log",
    ArtifactKind.STAGE_STATE: "State after a stage",
    ArtifactKind.DOWNLOAD: "Downloaded file",
    ArtifactKind.RESULT: "Result",
    ArtifactKind.REJECTED_ROWS: "Rows that did not fit",
    ArtifactKind.INPUT: "Input file",
}
HEADLINES = {
    RunState.SCHEDULED: "Scheduled for later",
    RunState.QUEUED: "Waiting for a worker",
    RunState.WAITING_SLOT: "Waiting for its turn",
    RunState.RUNNING: "Running now",
    RunState.RETRY_WAIT: "Failed, and will be tried again",
    RunState.WAITING_INPUT: "Needs you to decide",
    RunState.CANCELLING: "Being cancelled",
    RunState.SUCCEEDED: "Succeeded",
    RunState.CANCELLED: "Cancelled",
    RunState.EXPIRED: "Expired before any worker took it",
}


CAUSE_PAGES: dict[Cause, Callable[[str], str]] = {}
"""Where a cause has its page, by what the run keeps of it; apps above this one put theirs here."""
_WITHOUT_FAILURE = {RunState.WAITING_INPUT: "Needs your answer", RunState.RETRY_WAIT: "Goes on in a moment"}
"""What waits though nothing failed: an attempt ended on purpose."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Words with the address of what they are about; no address where there is no page."""

    text: str
    url: str = ""


def failure_in_words(kind: str) -> str:
    """A failure kind as a sentence without its full stop; empty for none."""
    return FAILURES[FailureKind(kind)] if kind else ""


def headline(run: Run) -> str:
    """The state in words, and for a failure why."""
    state = RunState(run.state)
    if not run.failure_kind and state in _WITHOUT_FAILURE:
        return "Waiting to hear about another run" if commit_waited_for(run) else _WITHOUT_FAILURE[state]
    if state in (RunState.FAILED, RunState.TIMED_OUT):
        return failure_in_words(run.failure_kind) or state.label
    return HEADLINES[state]


def failure_sentence(run: Run) -> str:
    """Why it failed, or what it asks, in one sentence; empty while it does neither."""
    if run.state == RunState.SUCCEEDED:
        return ""
    if not run.failure_kind and run.state in _WITHOUT_FAILURE:
        return run.state_reason
    return run.failure_message or failure_in_words(run.failure_kind)


def commit_waited_for(run: Run) -> CommitGuard | None:
    """The commit of another run that this one waits to hear about."""
    if run.state != RunState.RETRY_WAIT:
        return None
    waiting = run.attempts.filter(waits_for__isnull=False, state=AttemptState.QUEUED)
    attempt = waiting.select_related("waits_for").first()
    return attempt.waits_for if attempt is not None else None


def question(asked: Question) -> str:
    """What is asked, above the form that answers it."""
    return f"{reason_of(asked)} {'The browser waits for it.' if asked.hold else ''}".strip()


def run_url(run_id: object) -> str:
    """The address of a run's page."""
    return reverse("admin:runs_run_change", args=[run_id])


def cause(run: Run) -> Reference:
    """Why the run exists, with a link to what caused it."""
    if run.cause == Cause.SCHEDULE:
        schedule_id = run.cause_ref.split(":")[1] if run.cause_ref.startswith("schedule:") else ""
        url = (
            reverse("admin:automations_schedule_change", args=[schedule_id]) if schedule_id.isdigit() else ""
        )
        return Reference("Schedule", url)
    if run.cause == Cause.RERUN:
        return Reference(f"Rerun by {_who(run)}", run_url(run.rerun_of_id) if run.rerun_of_id else "")
    if run.cause == Cause.IMPORT:
        return Reference(f"Imported; there: {run.cause_ref}" if run.cause_ref else "Imported")
    if run.cause == Cause.EVENT:
        page = CAUSE_PAGES.get(Cause.EVENT)
        return Reference("Webhook event", page(run.cause_ref) if page is not None else "")
    return Reference(f"{run.get_cause_display()}: {_who(run)}" if _who(run) else run.get_cause_display())


def stage_titles(run: Run) -> dict[str, str]:
    """The titles of the version's stages by name."""
    return {stage["name"]: stage.get("title") or words(stage["name"]) for stage in run.version.stages}


def _who(run: Run) -> str:
    return run.requested_by.partition(":")[2]
