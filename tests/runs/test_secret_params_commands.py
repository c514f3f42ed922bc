"""Commands take secrets from a prompt, a pipe or the environment, and from no word of the command line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from runs.models import Question, Run
from runs.services.cancelling import cancel_run
from runs.services.run_secrets import secrets_of
from tests.support import sample
from tests.support.secret_sample import OTHER_PIN, PIN, SecretSample, ask

if TYPE_CHECKING:
    from automations.models import AutomationVersion


@pytest.fixture
def wants_pin(db: None, monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    """The sample that wants a PIN."""
    return sample.install(monkeypatch, SecretSample)


def said(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.usefixtures("wants_pin")
def test_a_secret_param_comes_from_a_pipe_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARE_PIN", OTHER_PIN)
    pipe(monkeypatch, f"{PIN}\n")

    said(
        "automations", "run", "sample", "--param", "city=Riga",
        "--secret-param", "pin", "--secret-param", "spare=@env:SPARE_PIN",
    )  # fmt: skip

    assert secrets_of(run=Run.objects.get()) == {"pin": PIN, "spare": OTHER_PIN}


@pytest.mark.usefixtures("wants_pin")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--param", f"pin={PIN}"], "use --secret-param pin"),
        (["--secret-param", f"pin={PIN}"], "shell's history"),
        (["--secret-param", "pin=@env:NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE is not set"),
        (["--secret-param", "pin"], "nothing was given"),
    ],
)
def test_a_secret_in_the_command_line_is_refused_and_not_repeated(
    words: list[str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, "")

    with pytest.raises(CommandError, match=reason) as caught:
        said("automations", "run", "sample", "--param", "city=Riga", *words)

    assert PIN not in str(caught.value)
    assert not Run.objects.exists()


@pytest.mark.usefixtures("wants_pin")
@pytest.mark.parametrize("changed", [[], ["--param", "city=Oslo"]])
def test_a_rerun_by_command_asks_for_secret_params_again(
    changed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cancel_run(run=ask(), actor="operator:anna")
    with pytest.raises(CommandError, match="pin: It is a secret"):
        said("runs", "rerun", str(run.pk), *changed)
    pipe(monkeypatch, f"{OTHER_PIN}\n")

    made = said("runs", "rerun", str(run.pk), *changed, "--secret-param", "pin").strip()

    assert secrets_of(run=Run.objects.get(pk=made)) == {"pin": OTHER_PIN}
    assert PIN not in said("runs", "show", str(run.pk), "--json")


def test_a_one_time_code_is_answered_from_a_prompt(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sample.asking_run(version)
    assert "--value-from-prompt code" in said("runs", "answer", str(run.pk))
    pipe(monkeypatch, "246810\n")

    said("runs", "answer", str(run.pk), "--value-from-prompt", "code")

    question = Question.objects.get()
    assert question.answer is not None
    assert question.answer.reveal()["code"] == "246810"
