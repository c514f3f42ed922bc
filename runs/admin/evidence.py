"""What an attempt saw, read from the database and arranged for the run page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runs.admin.wording import ARTIFACTS, failure_in_words
from runs.models import Artifact, Attempt, AttemptStage, AutomationHealth, Run, Step
from runs.states import AttemptState, RunState
from webgraph.errors import FailureKind
from webgraph.inputs import named_files
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from typing import Any

AFTER = (ArtifactKind.STEP_PICTURE.value, ArtifactKind.FAILURE_PICTURE.value)
PICTURES = (*AFTER, ArtifactKind.STEP_BEFORE.value)
_SERVED_AS_TEXT = (
    ArtifactKind.FAILURE_AXTREE,
    ArtifactKind.STEP_AXTREE,
    ArtifactKind.REQUEST_LOG,
    ArtifactKind.CONSOLE_LOG,
    ArtifactKind.LOG,
    ArtifactKind.STAGE_STATE,
    ArtifactKind.RESULT,
    ArtifactKind.REJECTED_ROWS,
)
_SERVED_AS_PAGE = (ArtifactKind.STEP_HTML, ArtifactKind.FAILURE_HTML)
# Failures that happen before the step does anything: the page then is what the step before left behind.
_BEFORE_THE_ACT = (
    FailureKind.TARGET_NOT_FOUND,
    FailureKind.TARGET_AMBIGUOUS,
    FailureKind.WRONG_PAGE,
)


@dataclass(slots=True)
class File:
    """One artifact as the page shows it."""

    artifact: Artifact

    @property
    def title(self) -> str:
        """What it is, in words."""
        return ARTIFACTS[ArtifactKind(self.artifact.kind)]

    @property
    def is_picture(self) -> bool:
        """Whether it is shown as a picture."""
        return self.artifact.kind in PICTURES

    @property
    def is_viewed(self) -> bool:
        """Whether the console has a page that shows it; the others are downloaded."""
        return self.artifact.kind in (*_SERVED_AS_TEXT, *_SERVED_AS_PAGE)

    @property
    def is_tree(self) -> bool:
        """Whether it is an accessibility tree."""
        return self.artifact.kind in (ArtifactKind.STEP_AXTREE, ArtifactKind.FAILURE_AXTREE)

    @property
    def is_trace(self) -> bool:
        """Whether it is a trace that can be opened in its viewer."""
        return self.artifact.kind == ArtifactKind.TRACE and self.artifact.blob_id is not None

    @property
    def is_page(self) -> bool:
        """Whether it is captured HTML, shown in a sandbox."""
        return self.artifact.kind in _SERVED_AS_PAGE


@dataclass(slots=True)
class Picture:
    """A picture, or the reason why there is none, with what it shows."""

    caption: str
    artifact: Artifact | None = None
    reason: str = ""
    run: Run | None = None
    step: StepView | None = None


@dataclass(slots=True)
class StepView:
    """One step with its files."""

    step: Step
    files: list[File] = field(default_factory=list)
    before: Artifact | None = None
    is_over: bool = False

    @property
    def state(self) -> str:
        """How it ended, as a word for style and people; "lost" when the attempt is over and nobody saw its end."""
        if self.step.succeeded is None:
            return "lost" if self.is_over or self.step.finished_at is not None else "running"
        return "succeeded" if self.step.succeeded else "failed"

    @property
    def picture(self) -> Artifact | None:
        """The picture after the step, the failure's first; None when nothing was kept."""
        pictures = [
            item.artifact for item in self.files if item.artifact.kind in AFTER and item.artifact.blob_id
        ]
        pictures.sort(key=lambda artifact: artifact.kind != ArtifactKind.FAILURE_PICTURE)
        return pictures[0] if pictures else None

    @property
    def taken_before(self) -> Artifact | None:
        """The picture taken just before the act, which the full level keeps."""
        kind = ArtifactKind.STEP_BEFORE
        return next(
            (item.artifact for item in self.files if item.artifact.kind == kind and item.artifact.blob_id),
            None,
        )

    @property
    def gap(self) -> str:
        """Why there is no picture, where that was recorded."""
        return next(
            (
                item.artifact.missing_reason
                for item in self.files
                if item.is_picture and not item.artifact.blob_id
            ),
            "",
        )

    @property
    def failure(self) -> str:
        """The kind of failure in words."""
        return failure_in_words(self.step.failure_kind)


@dataclass(slots=True)
class StageView:
    """One stage with its steps. `row` is None for steps outside any stage that was written."""

    name: str
    title: str
    row: AttemptStage | None
    steps: list[StepView]
    is_over: bool = False

    @property
    def state(self) -> str:
        """How it ended; "lost" when the attempt is over and nobody saw its end."""
        if self.row is None:
            return self.steps[-1].state if self.steps else "lost"
        if self.row.succeeded is None and self.row.attempt.state == AttemptState.PARKED:
            return "waiting"
        if self.row.succeeded is None:
            return "lost" if self.is_over else "running"
        return "succeeded" if self.row.succeeded else "failed"


@dataclass(slots=True)
class AttemptView:
    """One attempt: its stages, its steps in order, and the files that belong to no step."""

    attempt: Attempt
    stages: list[StageView]
    steps: list[StepView]
    files: list[File]

    @property
    def decisive(self) -> Picture:
        """The picture to look at first: the failure's, else the last one."""
        for view in reversed(self.steps):
            if view.picture is not None:
                return Picture(caption=_caption(view), artifact=view.picture, step=view)
        loose = [item.artifact for item in self.files if item.is_picture]
        for artifact in loose:
            if artifact.blob_id:
                return Picture(caption="At the end of the attempt", artifact=artifact)
        gap = next((view.gap for view in reversed(self.steps) if view.gap), "")
        gap = gap or next((artifact.missing_reason for artifact in loose), "")
        return Picture(caption="", reason=gap)

    @property
    def listed(self) -> list[File]:
        """The files that are shown as such: the parts of the log are shown as its lines."""
        return [item for item in self.files if item.artifact.kind != ArtifactKind.LOG]

    @property
    def log_lines(self) -> int:
        """How many log lines are kept by now."""
        parts = (item.artifact for item in self.files if item.artifact.kind == ArtifactKind.LOG)
        return sum(int(part.meta.get("lines", 0)) for part in parts)

    @property
    def failed_step(self) -> StepView | None:
        """The step that failed, where one did."""
        return next((view for view in reversed(self.steps) if view.state == "failed"), None)

    @property
    def rejected(self) -> Artifact | None:
        """The rows of the result that did not fit, where that is why the attempt failed."""
        kind = ArtifactKind.REJECTED_ROWS
        found = (item.artifact for item in self.files if item.artifact.kind == kind)
        return next((artifact for artifact in found if artifact.blob_id), None)

    @property
    def longest(self) -> float:
        """The longest step's duration in seconds, for the length of the bars."""
        return max((view.step.duration_seconds or 0 for view in self.steps), default=0)


def read_attempt(attempt: Attempt, titles: dict[str, str]) -> AttemptView:
    """Everything the page shows of one attempt, in three queries."""
    files = Artifact.objects.filter(attempt=attempt).order_by("id")
    by_step: dict[int | None, list[File]] = {}
    for artifact in files:
        by_step.setdefault(artifact.step_id, []).append(File(artifact))
    is_over = attempt.finished_at is not None
    steps = [
        StepView(step, by_step.get(step.pk, []), is_over=is_over) for step in attempt.steps.order_by("index")
    ]
    latest: Artifact | None = None
    for view in steps:
        view.before = view.taken_before or latest
        latest = view.picture or latest
    rows = {row.name: row for row in attempt.stages.order_by("position")}
    return AttemptView(attempt, _stages(rows, steps, titles, is_over=is_over), steps, by_step.get(None, []))


def read_inputs(run: Run) -> dict[str, list[File]]:
    """The files the run was given, by the param that names them; its other params are not there."""
    named: dict[str, list[str]] = {}
    for path, text in named_files(run.version.params_schema, run.params):
        named.setdefault(path.partition(".")[0], []).append(text)
    if not named:
        return {}
    rows = Artifact.objects.filter(run=run, kind=ArtifactKind.INPUT).order_by("id")
    kept = {row.meta.get("file"): File(row) for row in rows}
    return {name: [kept[text] for text in texts if text in kept] for name, texts in named.items()}


def last_success(run: Run, view: AttemptView | None) -> Picture | None:
    """The same step in the last success of the same automation, to be shown beside a failure; None without one."""
    failed = view.failed_step if view is not None else None
    return same_in_last_success(run, failed, view) if failed is not None and view is not None else None


def same_in_last_success(run: Run, step: StepView, view: AttemptView) -> Picture | None:
    """What the last success of the same automation and customer saw at the same step; None where there is none.

    Before the step where it failed before it did anything: the page then is what the step before left behind.
    """
    success = _last_success_of(run)
    attempt = success.attempts.order_by("-number").first() if success is not None else None
    if success is None or attempt is None:
        return None
    same = _same_step(step, view.steps, read_attempt(attempt, {}).steps)
    if same is None:
        return None
    was_before = step.step.failure_kind in _BEFORE_THE_ACT and same.before is not None
    artifact = same.before if was_before else same.picture
    if artifact is None:
        return None
    moment = "before" if was_before else "after"
    caption = f"{moment} step {same.step.index}, {same.step.description}"
    return Picture(caption=caption, artifact=artifact, run=success, step=same)


def _last_success_of(run: Run) -> Run | None:
    """The newest success of the automation for the same customer, other than the run itself."""
    rows = AutomationHealth.objects.filter(automation_id=run.automation_id, customer_id=run.customer_id)
    health = rows.select_related("last_success").first()
    found = health.last_success if health is not None else None
    if found is None or found.pk != run.pk:
        return found
    before = Run.objects.filter(
        automation_id=run.automation_id, customer_id=run.customer_id, state=RunState.SUCCEEDED
    )
    return before.filter(pk__lt=run.pk).order_by("-id").first()


def _stages(
    rows: dict[str, AttemptStage], steps: list[StepView], titles: dict[str, str], *, is_over: bool
) -> list[StageView]:
    names = list(dict.fromkeys([*rows, *(view.step.stage for view in steps)]))
    return [
        StageView(
            name,
            titles.get(name, name),
            rows.get(name),
            [view for view in steps if view.step.stage == name],
            is_over,
        )
        for name in names
    ]


def _same_step(wanted: StepView, own: list[StepView], others: Iterable[StepView]) -> StepView | None:
    """The step of the same stage with the same words; else the one at the same place of that stage."""
    stage = wanted.step.stage
    candidates = [view for view in others if view.step.stage == stage]
    for view in candidates:
        if (view.step.action, view.step.description) == (wanted.step.action, wanted.step.description):
            return view
    place = [view.step.pk for view in own if view.step.stage == stage].index(wanted.step.pk)
    return candidates[place] if place < len(candidates) else None


def _caption(view: StepView) -> str:
    moment = "At" if view.state == "failed" else "After"
    return f"{moment} step {view.step.index}: {view.step.description}"


def duration_of(run: Run, now: Any) -> timedelta | None:
    """How long the run takes or took; None before it began."""
    if run.started_at is None:
        return None
    return (run.finished_at or now) - run.started_at
