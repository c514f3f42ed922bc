"""`manage.py runs list|show|rerun|answer|cancel|artifacts|export|import|bulk-cancel|bulk-rerun`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils.text import Truncator

from automations.errors import AutomationsError
from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobError
from infra_shared.nouns import ACTOR, at_least
from runs.command_params import open_params, secrets_asked_for, typed_params
from runs.errors import RunsError
from runs.management.bulk_verbs import BulkVerbs
from runs.management.bundle_verbs import BundleVerbs
from runs.management.wanted import wanted_run
from runs.models import Artifact, Attempt, Question, Run
from runs.services.answers import answer_commit, commit_in_doubt
from runs.services.attempt_logs import log_of
from runs.services.cancelling import cancel_run
from runs.services.questions import answer_question, open_question
from runs.services.requests import Origin
from runs.services.reruns import rerun
from runs.states import Cause, RunState
from webgraph.commands.secret_words import HELP, METAVAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.management.base import CommandParser

CHUNK_BYTES = 1024 * 1024
MOST_SHOWN = 1_000
"""Characters of params and result; `--json` has all of them."""


class Command(BulkVerbs, BundleVerbs):
    help = "Look at runs, rerun, answer and cancel them, fetch what they kept, carry them elsewhere."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--state", choices=RunState.values)
        parser.add_argument("--automation", metavar="KEY")
        parser.add_argument("--limit", type=at_least(1), default=20)
        parser.add_argument("--json", action="store_true")

    def do_list(self, state: str | None, automation: str | None, limit: int, json: bool, **_: Any) -> None:  # noqa: FBT001 - by name
        """List runs, the newest first."""
        found = Run.objects.newest_first().select_related("automation")
        if state:
            found = found.filter(state=state)
        if automation:
            found = found.filter(automation__key=automation)
        rows = [_summary(run) for run in found[:limit]]
        if json:
            self.say_json(rows)
            return
        head = ("ID", "AUTOMATION", "STATE", "REQUESTED", "FAILURE")
        lines = (
            (row["id"], row["automation"], row["state"], row["created_at"][:19], row["failure_message"] or "")
            for row in rows
        )
        self.say_table(head, lines, empty="There is no such run.")

    def show_arguments(self, parser: CommandParser) -> None:
        """Arguments of `show`."""
        parser.add_argument("id")
        parser.add_argument("--logs", action="store_true", help="With the log lines of each attempt.")
        parser.add_argument("--json", action="store_true")

    def do_show(self, id: str, *, logs: bool, json: bool, **_: Any) -> None:  # noqa: A002 - the argument's name on the command line
        """Show a run with its attempts and steps, and with what was logged."""
        run = wanted_run(id)
        attempts: list[dict[str, Any]] = [
            {
                "number": attempt.number,
                "state": attempt.state,
                "failure_message": attempt.failure_message,
                "steps": [
                    {"index": step.index, "description": step.description, "succeeded": step.succeeded}
                    for step in attempt.steps.all()
                ],
                **({"log": _log(attempt)} if logs else {}),
            }
            for attempt in run.attempts.prefetch_related("steps")
        ]
        if json:
            self.say_json({**_summary(run), "params": run.params, "result": run.result, "attempts": attempts})
            return
        for line in _in_words(run):
            self.say(line)
        for attempt in attempts:
            self.say(f"attempt {attempt['number']}: {attempt['state']} {attempt['failure_message']}".rstrip())
            for step in attempt["steps"]:
                mark = {True: "ok", False: "failed", None: "…"}[step["succeeded"]]
                self.say(f"  {step['index']:>3} {mark:6} {step['description']}")
            for line in attempt.get("log", ()):
                where = f"step {line['step']}" if line["step"] else ""
                words = " ".join(filter(None, (line["event"], line["details"])))
                self.say(f"  {line['at'] or '':32} {line['level']:8} {where:8} {words}")
                if line["exception"]:
                    self.say(line["exception"])

    def rerun_arguments(self, parser: CommandParser) -> None:
        """Arguments of `rerun`."""
        parser.add_argument("id")
        parser.add_argument(
            "--param", action="append", default=[], metavar="NAME=VALUE", help="A changed param."
        )
        parser.add_argument(
            "--secret-param",
            action="append",
            default=[],
            metavar=METAVAR,
            help=f"A secret param, which is not kept: {HELP}.",
        )
        parser.add_argument(
            "--from-stage", default="", metavar="STAGE", help="Begin with this stage, where the run left off."
        )

    def do_rerun(
        self,
        id: str,  # noqa: A002 - as above
        *,
        param: list[str],
        secret_param: list[str],
        from_stage: str,
        **_: Any,
    ) -> None:
        """Request a new run like an ended one, with some params changed where given."""
        run = wanted_run(id)
        origin = Origin(cause=Cause.COMMAND, actor=ACTOR)
        try:
            changed = open_params(run.version.params_schema, param)
            secrets = secrets_asked_for(secret_param, option="--secret-param")
            params = {**run.params, **changed, **secrets} if changed else None
            requested = rerun(
                run=run, origin=origin, params=params, secret_params=secrets, from_stage=from_stage
            )
        except (RunsError, AutomationsError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.say(str(requested.run.pk))

    def answer_arguments(self, parser: CommandParser) -> None:
        """Arguments of `answer`."""
        parser.add_argument("id")
        parser.add_argument(
            "--value", action="append", default=[], metavar="NAME=VALUE", help="One field of the answer."
        )
        parser.add_argument(
            "--value-from-prompt",
            action="append",
            default=[],
            metavar=METAVAR,
            help=f"One field that is nobody's business, such as a one-time code: {HELP}.",
        )
        parser.add_argument(
            "--happened", choices=("yes", "no"), help="What became of a commit nobody saw the end of."
        )
        parser.add_argument("--note", default="", help="Where you looked; kept in the log of the run.")

    def do_answer(
        self,
        id: str,  # noqa: A002 - as above
        *,
        value: list[str],
        value_from_prompt: list[str],
        happened: str | None,
        note: str,
        **_: Any,
    ) -> None:
        """Answer what a run asks; without an answer, say what it asks."""
        run = wanted_run(id)
        question = open_question(run)
        try:
            if happened is not None:
                run = answer_commit(run=run, happened=happened == "yes", note=note, actor=ACTOR)
            elif question is not None and (value or value_from_prompt):
                typed = secrets_asked_for(value_from_prompt, option="--value-from-prompt")
                answer = typed_params(question.schema, value) | typed
                run = answer_question(run=run, answer=answer, actor=ACTOR)
            elif value or value_from_prompt:
                raise CommandError(f"Nothing was answered. {_what_it_asks(run, None)}")
            else:
                self.say(_what_it_asks(run, question))
                return
        except (RunsError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.say(f"{run.pk} is {run.get_state_display().lower()}.")

    def cancel_arguments(self, parser: CommandParser) -> None:
        """Arguments of `cancel`."""
        parser.add_argument("id")
        parser.add_argument("--reason", default="")

    def do_cancel(self, id: str, reason: str, **_: Any) -> None:  # noqa: A002 - as above
        """Cancel a run: at once while it waits, at its next step while it works."""
        try:
            run = cancel_run(run=wanted_run(id), actor=ACTOR, reason=reason)
        except RunsError as error:
            raise CommandError(str(error)) from error
        self.say(f"{run.pk} is {run.get_state_display().lower()}.")

    def artifacts_arguments(self, parser: CommandParser) -> None:
        """Arguments of `artifacts`."""
        parser.add_argument("id")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")

    def do_artifacts(self, id: str, out: Path, **_: Any) -> None:  # noqa: A002 - as above
        """Write every artifact of a run into a folder."""
        run = wanted_run(id)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{out} cannot be made a folder: {error.strerror}.") from error
        written = 0
        for artifact in run.artifacts.select_related("blob", "attempt", "step"):
            if artifact.blob is None:
                self.say(f"missing: {artifact.kind} ({artifact.missing_reason})")
                continue
            self._write(artifact, out / _file_name(artifact))
            written += 1
        self.say(f"{written} files in {out}")

    def _write(self, artifact: Artifact, path: Path) -> None:
        assert artifact.blob is not None
        try:
            with artifact_store().open(artifact.blob) as reader, path.open("wb") as file:
                while chunk := reader.read(CHUNK_BYTES):
                    file.write(chunk)
        except (BlobError, OSError) as error:
            raise CommandError(f"{path.name}: {error}") from error


def _in_words(run: Run) -> Iterator[str]:
    """What a run is, whose, why it is where it is, what it was given and what it returned."""
    why = run.failure_message or ("" if run.is_terminal else run.state_reason)
    yield f"{run.automation.key} v{run.version.number} {run.pk}: {run.get_state_display()}. {why}".strip()
    asked_at = f"{run.created_at:%Y-%m-%d %H:%M:%S} UTC"
    lasted = f", took {run.duration.total_seconds():.1f} s" if run.duration else ""
    yield f"for {run.customer.key}, asked for by {run.requested_by} at {asked_at}{lasted}"
    for name, value in (("params", run.params), ("result", run.result)):
        if value:
            yield f"{name}: {Truncator(json.dumps(value, ensure_ascii=False)).chars(MOST_SHOWN)}"
    if run.result_artifact_id is not None:
        yield f"result: a file, as it is large; see: manage.py runs artifacts {run.pk} --out DIR"


def _what_it_asks(run: Run, question: Question | None) -> str:
    if question is not None:
        names = " ".join(
            f"--value-from-prompt {name}" if name in question.secret_fields else f"--value {name}=…"
            for name in question.properties
        )
        return f"{question.prompt}\nAnswer with: manage.py runs answer {run.pk} {names}"
    stage = commit_in_doubt(run)
    if stage is not None:
        return f"Did “{stage}” happen? Answer with: manage.py runs answer {run.pk} --happened yes|no"
    return "It asks nothing."


def _summary(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "automation": run.automation.key,
        "state": run.state,
        "cause": run.cause,
        "created_at": run.created_at.isoformat(),
        "failure_kind": run.failure_kind or None,
        "failure_message": run.failure_message or None,
    }


def _log(attempt: Attempt) -> list[dict[str, Any]]:
    return [
        {
            "at": entry.at.isoformat() if entry.at else None,
            "level": entry.level,
            "step": entry.step,
            "event": entry.event,
            "details": entry.details,
            "logger": entry.logger,
            "exception": entry.exception,
        }
        for entry in log_of(attempt=attempt).entries
    ]


def _file_name(artifact: Artifact) -> str:
    """A name that sorts in the order things happened and cannot leave the folder."""
    attempt = artifact.attempt.number if artifact.attempt else 0
    step = artifact.step.index if artifact.step else 0
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in artifact.name)
    return f"{attempt:02}-{step:03}-{artifact.kind}-{str(artifact.pk)[-6:]}-{safe}"[:200]
