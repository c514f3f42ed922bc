"""`manage.py automations list|check|new|run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError

from automations.definitions import problems_in
from automations.errors import AutomationsError, DefinitionError
from automations.models import DEFAULT_CUSTOMER, Automation
from automations.scaffold import ScaffoldError, write_automation
from automations.services.registry import register_python_automations
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.clock import monotonic, sleep
from infra_shared.nouns import ACTOR, NounCommand
from runs.command_params import kept_files, open_params, secrets_asked_for
from runs.errors import RunsError, UnknownAutomationError, UnknownCustomerError
from runs.models import Run, Step
from runs.services.nodes import can_take, live_versions
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import Cause, RunState
from webgraph.commands.secret_words import HELP, METAVAR

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

POLL_SECONDS = 0.3
NODE_SECONDS = 60
"""How long --wait waits for a node that can take the run: one that restarts on new code needs a few seconds."""
NO_NODE = 3
"""Exit code when no live node can take the run; 1 means that it ran and did not succeed."""


class Command(NounCommand):
    help = "Look at automations, write a new one, run one."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true")

    def do_list(self, json: bool, **_: Any) -> None:  # noqa: FBT001 - argparse hands options over by name
        """List the automations that can be run."""
        self._register()
        rows = [
            {
                "key": row.key,
                "title": row.title,
                "version": row.latest_version.number if row.latest_version else None,
            }
            for row in Automation.objects.runnable().select_related("latest_version")
        ]
        if json:
            self.say_json(rows)
            return
        lines = ((row["key"], f"v{row['version']}", row["title"]) for row in rows)
        self.say_table(
            ("KEY", "VERSION", "TITLE"), lines, empty="There is no automation. See: automations new"
        )

    def do_check(self, **_: Any) -> None:
        """Check that every automation in code can run; exit code 1 when one cannot."""
        try:
            problems = problems_in(settings.AUTOMATION_MODULES)
        except DefinitionError as error:
            problems = [str(error)]
        if problems:
            raise CommandError("\n".join(problems))
        self.say("Every automation can run.")

    def new_arguments(self, parser: CommandParser) -> None:
        """Arguments of `new`."""
        parser.add_argument("name", help="Its key: lower-case words joined by hyphens.")

    def do_new(self, name: str, **_: Any) -> None:
        """Write a working example of an automation, and its test."""
        try:
            paths = write_automation(name, root=settings.BASE_DIR)
        except ScaffoldError as error:
            raise CommandError(str(error)) from error
        for path in paths:
            self.say(f"wrote {path.relative_to(settings.BASE_DIR)}")
        self.say(f"Try it: manage.py automations run {name} --param url=http://127.0.0.1:8001/ --wait")

    def run_arguments(self, parser: CommandParser) -> None:
        """Arguments of `run`."""
        parser.add_argument("key")
        parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument(
            "--secret-param", action="append", default=[], metavar=METAVAR, help=f"A secret param: {HELP}."
        )
        parser.add_argument(
            "--file",
            action="append",
            default=[],
            metavar="NAME=PATH",
            help="A param that is a file; again for a list of files.",
        )
        parser.add_argument("--customer", default=DEFAULT_CUSTOMER)
        parser.add_argument("--evidence", help="off, default or full; else as the automation says.")
        parser.add_argument("--priority", type=int, default=0, help="Higher goes first.")
        parser.add_argument(
            "--wait", action="store_true", help="Show its steps and exit 0 or 1 with its end."
        )

    def do_run(self, key: str, *, wait: bool, **options: Any) -> None:
        """Request a run."""
        self._register()
        run = _request(key, options)
        self.say(f"run {run.pk} requested")
        if not (self._node_comes(run) if wait else can_take(run=run)):
            text = f"No live node can take it: start one with `manage.py worker`. The run stays queued ({run.pk})."
            if wait:
                raise CommandError(text, returncode=NO_NODE)
            self.say(text)
        if wait:
            self._follow(run)

    def _register(self) -> None:
        try:
            register_python_automations(live_digests=live_versions())
        except DefinitionError as error:
            raise CommandError(str(error)) from error

    def _node_comes(self, run: Run, *, words: str = "waiting for a node that can take it …") -> bool:
        """Whether a live node can take the run, now or soon; says `words` before it waits for one."""
        if can_take(run=run):
            return True
        self.say(words)
        deadline = monotonic() + NODE_SECONDS
        while monotonic() < deadline:
            sleep(POLL_SECONDS)
            if can_take(run=run):
                return True
        return False

    def _follow(self, run: Run) -> None:
        """Print each step as it ends, then how the run ended."""
        shown: set[int] = set()
        while True:
            run.refresh_from_db()
            for step in Step.objects.filter(attempt__run=run, succeeded__isnull=False).order_by("pk"):
                if step.pk not in shown:
                    shown.add(step.pk)
                    self.say(_step_line(step))
            if run.is_terminal or run.state == RunState.WAITING_INPUT:
                break
            if not self._node_comes(run, words="its node left in the middle; waiting for another …"):
                text = (
                    f"No live node can go on with it: start one with `manage.py worker`. It waits ({run.pk})."
                )
                raise CommandError(text, returncode=NO_NODE)
            sleep(POLL_SECONDS)
        self.say(f"{run.get_state_display()}. {run.failure_message}".rstrip())
        if run.state != RunState.SUCCEEDED:
            raise CommandError(f"See: manage.py runs show {run.pk}", returncode=1)


def _request(key: str, options: dict[str, Any]) -> Run:
    customer: str = options["customer"]
    automation = Automation.objects.filter(key=key).select_related("latest_version").first()
    schema = automation.latest_version.params_schema if automation and automation.latest_version else {}
    try:
        params = open_params(schema, options["param"]) | kept_files(schema, options["file"], customer)
        request = RunRequest(
            automation=key,
            params=params,
            secret_params=secrets_asked_for(options["secret_param"], option="--secret-param"),
            customer=customer,
            evidence_level=options["evidence"],
            priority=options["priority"],
        )
        return request_run(request=request, origin=Origin(cause=Cause.COMMAND, actor=ACTOR)).run
    except (UnknownAutomationError, UnknownCustomerError) as error:
        raise CommandError(f"{error} See: manage.py automations list, customers list") from error
    except (RunsError, AutomationsError, BlobStorageError, OSError, ValueError) as error:
        raise CommandError(str(error)) from error


def _step_line(step: Step) -> str:
    mark = "ok    " if step.succeeded else "failed"
    line = f"{step.index:>4} {mark} {step.duration_seconds or 0:6.2f} s  {step.description}"
    return line if step.succeeded else f"{line}: {step.message}"
