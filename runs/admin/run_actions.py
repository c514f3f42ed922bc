"""What an operator can do with a run: each page asks, calls one service, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from automations.errors import ParamsInvalidError
from automations.forms.params import ParamsForm
from automations.forms.schemas import params_schema_of
from infra_shared.admin.base import ConsoleAdmin, actor
from runs.admin import wording
from runs.admin.asking import OptionsForm
from runs.errors import RunsError
from runs.services.answers import answer_commit, pin_run, resolve_failure
from runs.services.cancelling import cancel_run
from runs.services.requests import Origin
from runs.services.reruns import rerun
from runs.states import Cause, RunState

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from runs.models import Run


class ReasonForm(forms.Form):
    """Why something is done; may be left empty."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Kept in the log of the run.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ResolveForm(forms.Form):
    """How a failure was dealt with."""

    note = forms.CharField(
        max_length=500,
        label="How was it resolved?",
        help_text="A few words for whoever looks here next. Kept with the run and in the audit log.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class AnswerForm(forms.Form):
    """What became of a commit whose end nobody saw."""

    happened = forms.ChoiceField(
        label="What happened?",
        choices=[
            ("yes", "It happened: I have seen that it is there"),
            ("no", "It did not happen: try again from the beginning"),
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        required=False,
        max_length=500,
        label="Note",
        help_text="Where you looked and what you found. Kept in the log of the run.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RunActions(ConsoleAdmin):
    """Rerun, cancel, answer, resolve and pin."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """One page for each action; pinning needs none, its button posts."""
        return [
            ("<uuid:pk>/rerun/", self.rerun_view, "rerun"),
            ("<uuid:pk>/cancel/", self.cancel_view, "cancel"),
            ("<uuid:pk>/answer/", self.answer_view, "answer"),
            ("<uuid:pk>/resolve/", self.resolve_view, "resolve"),
            ("<uuid:pk>/pin/", self.pin_view, "pin"),
        ]

    def allowed(self, request: HttpRequest, run: Run) -> dict[str, bool]:
        """Which actions fit the run's state and the operator's permissions: the page shows no other."""
        waits = run.state == RunState.WAITING_INPUT
        return {
            "rerun": run.is_terminal and self.may(request, "request"),
            "cancel": not run.is_terminal
            and run.state != RunState.CANCELLING
            and self.may(request, "cancel"),
            "answer": waits and self.may(request, "answer"),
            "resolve": run.is_open_failure and self.may(request, "resolve"),
            "pin": self.may(request, "pin"),
        }

    def rerun_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask for a new run like this one, with a form of its params to change."""
        self.require(request, "request")
        run: Run = self.found(request, pk)
        latest = run.automation.latest_version or run.version
        form = ParamsForm(params_schema_of(latest), request.POST or None, values=run.params)
        options = OptionsForm(request.POST or None, initial={"evidence_level": run.evidence_level})
        del options.fields["customer"]
        if request.method == "POST" and form.is_valid() & options.is_valid():
            params = form.params()
            try:
                made = rerun(
                    run=run,
                    origin=Origin(cause=Cause.RERUN, actor=actor(request)),
                    params=params if params != run.params else None,
                    evidence_level=options.cleaned_data["evidence_level"],
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

    def answer_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Say what became of a commit; the run goes on accordingly."""
        self.require(request, "answer")
        run: Run = self.found(request, pk)
        happened = request.GET.get("happened", "")
        form = AnswerForm(request.POST or None, initial={"happened": happened})
        if request.method != "POST" or not form.is_valid():
            warning = f"{run.state_reason} Look at the site first: “it did not” does it once more."
            return self._ask(
                request, run, form, title="What happened in", submit="Save the answer", warning=warning
            )
        given = form.cleaned_data
        try:
            answered = answer_commit(
                run=run, happened=given["happened"] == "yes", note=given["note"], actor=actor(request)
            )
        except RunsError as error:
            return self.refused(request, str(error), wording.run_url(pk))
        said = "another attempt begins" if not answered.is_terminal else f"the run {answered.state}"
        return self.done(request, f"The answer is saved: {said}.", wording.run_url(pk))

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

    def _ask(self, request: HttpRequest, run: Run, form: forms.Form, **words: str) -> HttpResponse:
        """The page that asks before something is done."""
        return self.page(
            request,
            "review/form.html",
            form=form,
            title=f"{words['title']} {run.automation.title} {run.short_id}",
            submit=words["submit"],
            warning=words.get("warning", ""),
            back=wording.run_url(run.pk),
            status=422 if form.is_bound else 200,
        )
