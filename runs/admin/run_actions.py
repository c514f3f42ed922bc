"""What an operator can do with a run: each page asks, calls one service, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from automations.errors import ParamsInvalidError
from automations.forms.params import ParamsForm
from automations.forms.schemas import params_schema_of
from infra_shared.admin.base import actor
from runs.admin import wording
from runs.admin.asking import OptionsForm, ReasonForm
from runs.admin.run_answers import RunAnswers
from runs.errors import RunsError
from runs.services.answers import pin_run, resolve_failure
from runs.services.cancelling import cancel_run
from runs.services.requests import Origin
from runs.services.reruns import rerun
from runs.services.resuming import stages_to_rerun_from
from runs.states import Cause, RunState

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from runs.models import Run


class ResolveForm(forms.Form):
    """How a failure was dealt with."""

    note = forms.CharField(
        max_length=500,
        label="How was it resolved?",
        help_text="A few words for whoever looks here next. Kept with the run and in the audit log.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class BeginForm(forms.Form):
    """With which stage a rerun begins."""

    from_stage = forms.ChoiceField(
        required=False,
        label="Begin with",
        help_text="What is before it is not done again: the browser is put back to where that stage began. Params stay.",
    )

    def __init__(self, data: Any, *, stages: list[dict[str, str]]) -> None:
        super().__init__(data)
        later = [(stage["name"], stage.get("title") or stage["name"]) for stage in stages]
        self.fields["from_stage"].choices = [("", "The first stage"), *later]  # type: ignore[attr-defined]  # a ChoiceField


class RunActions(RunAnswers):
    """Rerun, cancel, answer, resolve and pin."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """One page for each action; pinning needs none, its button posts."""
        return [
            ("<uuid:pk>/rerun/", self.rerun_view, "rerun"),
            ("<uuid:pk>/cancel/", self.cancel_view, "cancel"),
            ("<uuid:pk>/answer/", self.answer_view, "answer"),
            ("<uuid:pk>/input/", self.input_view, "input"),
            ("<uuid:pk>/resolve/", self.resolve_view, "resolve"),
            ("<uuid:pk>/pin/", self.pin_view, "pin"),
        ]

    def allowed(self, request: HttpRequest, run: Run) -> dict[str, bool]:
        """Which actions fit the run's state and the operator's permissions: the page shows no other."""
        return {
            **self.asked_of(request, run),
            "rerun": run.is_terminal and self.may(request, "request"),
            "cancel": not run.is_terminal
            and run.state != RunState.CANCELLING
            and self.may(request, "cancel"),
            "resolve": run.is_open_failure and self.may(request, "resolve"),
            "pin": self.may(request, "pin"),
        }

    def rerun_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask for a new run like this one, with a form of its params to change."""
        self.require(request, "request")
        run: Run = self.found(request, pk)
        latest = run.automation.latest_version or run.version
        form = ParamsForm(
            params_schema_of(latest), request.POST or None, files=request.FILES or None, values=run.params
        )
        options = OptionsForm(
            request.POST or None, initial={"evidence_level": run.evidence_level, "priority": run.priority}
        )
        del options.fields["customer"]
        later = stages_to_rerun_from(run=run)
        begin = BeginForm(request.POST or None, stages=later) if later else None
        valid = form.is_valid() & options.is_valid() & (begin is None or begin.is_valid())
        if valid and form.keep_files(customer=run.customer, actor=actor(request)):
            params = form.params()
            try:
                made = rerun(
                    run=run,
                    origin=Origin(cause=Cause.RERUN, actor=actor(request)),
                    params=params if params != run.params else None,
                    evidence_level=options.cleaned_data["evidence_level"],
                    priority=options.cleaned_data["priority"],
                    from_stage=begin.cleaned_data["from_stage"] if begin is not None else "",
                )
            except ParamsInvalidError as error:
                form.show_problems(error.problems)
            except RunsError as error:
                options.add_error(None, str(error))
            else:
                return self.done(request, "The rerun is on its way.", wording.run_url(made.run.pk))
        return self.page(
            request,
            "review/run/ask.html",
            title=f"Rerun {run.automation.title}",
            form=form,
            options=options,
            begin=begin,
            submit="Rerun",
            back=wording.run_url(pk),
            newer=latest if latest.pk != run.version_id else None,
            run=run,
            status=422 if form.is_bound else 200,
        )

    def cancel_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Cancel a run after asking."""
        self.require(request, "cancel")
        run: Run = self.found(request, pk)
        form = ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            at_work = run.state == RunState.RUNNING
            warning = "The step at work is finished first; what was seen so far is kept." if at_work else ""
            return self._ask(
                request, run, form, title="Cancel", submit="Cancel the run", warning=warning, back="Back"
            )
        try:
            cancelled = cancel_run(run=run, actor=actor(request), reason=form.cleaned_data["reason"])
        except RunsError as error:
            return self.refused(request, str(error), wording.run_url(pk))
        return self.done(request, f"The run is {cancelled.get_state_display().lower()}.", wording.run_url(pk))

    def resolve_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Close an open failure with a note."""
        self.require(request, "resolve")
        run: Run = self.found(request, pk)
        form = ResolveForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._ask(request, run, form, title="Resolve", submit="Mark as resolved")
        try:
            closed = resolve_failure(run=run, note=form.cleaned_data["note"], actor=actor(request))
        except RunsError as error:
            return self.refused(request, str(error), wording.run_url(pk))
        if not closed:
            return self.refused(request, "The failure was resolved already.", wording.run_url(pk))
        return self.done(request, "The failure is resolved.", wording.run_url(pk))

    def pin_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Keep the run from every retention rule, or let go of it; nothing is lost, so nothing is asked."""
        self.require(request, "pin")
        run: Run = self.found(request, pk)
        if request.method != "POST":
            return self.refused(request, "Use the button to pin a run.", wording.run_url(pk))
        pinned = request.POST.get("pinned") == "yes"
        if not pin_run(run=run, pinned=pinned, actor=actor(request)):
            return self.refused(request, "Somebody did so already.", wording.run_url(pk))
        said = (
            "The run is pinned: no retention rule removes it." if pinned else "The run is no longer pinned."
        )
        return self.done(request, said, wording.run_url(pk))
