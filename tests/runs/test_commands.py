"""What engineers do from the shell."""

from __future__ import annotations

import io
import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from infra_shared.blobs.django_store import artifact_store
from infra_shared.clock import utc_now
from infra_shared.ids import uuid7
from infra_shared.models import ApiKey
from infra_shared.services import api_keys
from runs.models import Run
from runs.services import outcomes, recording
from runs.states import RunState
from tests.support import sample
from webgraph.recorder import ArtifactKind, Evidence

if TYPE_CHECKING:
    from pathlib import Path

    from automations.models import AutomationVersion


def _said(*words: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def test_a_run_is_requested_with_params_of_the_right_types(version: AutomationVersion) -> None:
    said = _said("automations", "run", "sample", "--param", "city=12", "--param", "count=3")

    run = Run.objects.get()
    assert run.params == {"city": "12", "count": 3}
    assert str(run.pk) in said


def test_waiting_says_when_no_live_node_can_take_the_run(
    version: AutomationVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.management.commands.automations.NODE_SECONDS", 0)

    with pytest.raises(CommandError, match=r"manage\.py worker") as caught:
        _said("automations", "run", "sample", "--param", "city=Riga", "--wait")

    assert caught.value.returncode == 3
    assert Run.objects.get().state == RunState.QUEUED


@pytest.mark.parametrize("words", [["nothing"], ["sample"], ["sample", "--param", "city"]])
def test_a_request_that_cannot_run_is_a_clear_error(words: list[str], version: AutomationVersion) -> None:
    with pytest.raises(CommandError):
        _said("automations", "run", *words)

    assert not Run.objects.exists()


def test_runs_are_listed_shown_cancelled_and_rerun(version: AutomationVersion) -> None:
    run = sample.ask()

    assert json.loads(_said("runs", "list", "--json"))[0]["id"] == str(run.pk)
    shown = _said("runs", "show", str(run.pk))
    assert "Queued. requested by" in shown
    assert 'params: {"city": "Riga"' in shown
    assert "is cancelled" in _said("runs", "cancel", str(run.pk))
    again = _said("runs", "rerun", str(run.pk), "--param", "city=Oslo").strip()

    assert Run.objects.get(pk=again).params["city"] == "Oslo"


def test_artifacts_are_written_into_a_folder(version: AutomationVersion, tmp_path: Path) -> None:
    run, claim = sample.claimed_run(version)
    item = Evidence(
        kind=ArtifactKind.DOWNLOAD,
        name="../../invoices.csv",
        content_type="text/csv",
        body=b"a,b\n",
        captured_at=utc_now(),
    )
    blob = artifact_store().put(item.body, text=True)
    recording.artifact_stored(claim=claim, artifact_id=uuid7(), item=item, blob=blob, step_id=None)
    outcomes.finish_succeeded(claim=claim, result=None)

    _said("runs", "artifacts", str(run.pk), "--out", str(tmp_path / "out"))

    (written,) = (tmp_path / "out").iterdir()
    assert written.read_bytes() == b"a,b\n"


def test_a_key_is_created_once_and_revoked(db: None) -> None:
    text = _said("keys", "create", "ci", "--scope", "runs:read").strip()
    key = api_keys.authenticate(text)

    _said("keys", "revoke", key.public_id)

    with pytest.raises(api_keys.ApiKeyRefusedError):
        api_keys.authenticate(text)


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "create", "ci", "--scope", "runs:everything"),
        ("keys", "create", "ci", "--scope", "runs:read", "--days", "-1"),
        ("runs", "list", "--limit", "-1"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"invalid choice|must be 1 or more"):
        _said(*words)

    assert not ApiKey.objects.exists()


def test_the_demo_may_be_prepared_twice(db: None) -> None:
    _said("demo", "prepare", "--site-url", "http://127.0.0.1:8001")
    _said("demo", "prepare", "--site-url", "http://127.0.0.1:9001")

    assert Run.objects.count() == 1
    schedules = json.loads(_said("schedules", "list", "--json"))
    assert [row["rule"] for row in schedules] == ["Every 15 minutes"]
    assert "UTC" in _said("schedules", "preview", str(schedules[0]["id"]), "--count", "2")


def test_a_schedule_is_paused_and_resumed(db: None) -> None:
    _said("demo", "prepare", "--site-url", "http://127.0.0.1:8001")
    key = str(json.loads(_said("schedules", "list", "--json"))[0]["id"])

    assert "Paused" in _said("schedules", "pause", key, "--reason", "maintenance")
    assert json.loads(_said("schedules", "list", "--json"))[0]["paused"]
    assert "Resumed" in _said("schedules", "resume", key)


def test_a_created_schedule_is_planned_and_previewed(version: AutomationVersion) -> None:
    created = _said("schedules", "create", "Daily", "sample", "--cron", "30 6 * * *", "--param", "city=Riga")

    previewed = _said("schedules", "preview", created.strip(), "--count", "1")

    assert "At 06:30" in previewed
    with pytest.raises(CommandError, match="cron"):
        _said("schedules", "create", "Never", "sample", "--cron", "0 0 31 2 *", "--param", "city=Riga")


def test_check_passes_for_the_library(db: None) -> None:
    assert "can run" in _said("automations", "check")


def test_an_answer_nobody_asked_for_is_an_error(version: AutomationVersion) -> None:
    run = sample.ask()

    with pytest.raises(CommandError, match=r"Nothing was answered\. It asks nothing"):
        _said("runs", "answer", str(run.pk), "--value", "code=1")


def test_a_question_is_shown_and_answered(version: AutomationVersion) -> None:
    run = sample.asking_run(version)
    assert "Which code did the shop send?" in _said("runs", "answer", str(run.pk))

    _said("runs", "answer", str(run.pk), "--value", "code=246810")

    run.refresh_from_db()
    assert run.state == RunState.RETRY_WAIT
    assert "asks nothing" in _said("runs", "answer", str(run.pk))


def test_a_rerun_names_the_stage_it_cannot_begin_with(version: AutomationVersion) -> None:
    run, claim = sample.claimed_run(version)
    outcomes.finish_succeeded(claim=claim, result={})

    with pytest.raises(CommandError, match="cannot begin with 'order'"):
        _said("runs", "rerun", str(run.pk), "--from-stage", "order")


@pytest.mark.django_db
@pytest.mark.parametrize(("words", "level"), [((), logging.WARNING), (("-v", "2"), logging.INFO)])
def test_a_command_at_a_terminal_says_what_it_did_and_not_what_it_logged(
    words: tuple[str, ...], level: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    request.addfinalizer(partial(root.setLevel, root.level))
    root.setLevel(logging.INFO)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    _said("pauses", *words, "list")

    assert root.level == level
