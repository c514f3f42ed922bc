"""What a run asks, and how an operator answers it: a question of its own, or what became of a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from automations.forms.params import ParamsForm
from infra_shared.admin.base import ConsoleAdmin, actor
from runs.admin import wording
from runs.errors import AnswerInvalidError, RunsError
from runs.services.answers import answer_commit, commit_in_doubt
from runs.services.questions import answer_question, open_question

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from runs.models import Question, Run


class AnswerForm(forms.Form):
    """What became of a commit whose end nobody saw."""

    happened = forms.ChoiceField(
        label="What happened?",
        choices=[
            ("yes", "It happened: I have seen that it is there"),
            ("no", "It did not happen: do it again"),
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


class RunAnswers(ConsoleAdmin):
    """Answers questions and unknown commits."""

    def asked_of(self, request: HttpRequest, run: Run) -> dict[str, bool]:
        """What the run asks this operator, by the name of the action."""
        may = self.may(request, "answer")
        asks = may and open_question(run) is not None
        return {"input": asks, "answer": may and not asks and commit_in_doubt(run) is not None}

    def question_context(self, run: Run) -> dict[str, Any]:
        """The form on the run's page for what it asks; empty while it asks nothing."""
        question = open_question(run)
        return {} if question is None else {"question": question, "question_form": _form(question)}

    def input_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Answer what the run asks; it goes on at once."""
        self.require(request, "answer")
        run: Run = self.found(request, pk)
        question = open_question(run)
        if question is None:
            said = "The run asks nothing any more: somebody answered, or it has moved on."
            return self.refused(request, said, wording.run_url(pk))
        form = _form(question, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                answer_question(run=run, answer=form.params(), actor=actor(request))
            except AnswerInvalidError as error:
                form.show_problems(error.problems)
            except RunsError as error:
                return self.refused(request, str(error), wording.run_url(pk))
            else:
                return self.done(request, "The answer is saved: the run goes on.", wording.run_url(pk))
        return self._ask(
            request, run, form, title="Answer", submit="Send the answer", warning=wording.question(question)
        )

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
        said = "the run goes on" if not answered.is_terminal else f"the run {answered.state}"
        return self.done(request, f"The answer is saved: {said}.", wording.run_url(pk))

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


def _form(question: Question, data: Any = None) -> ParamsForm:
    return ParamsForm(question.schema, data)
