"""Orders to the Worker: what it is told of sources, never a secret on a screen, and clear words when it is away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from infra_shared.models import AuditLine
from intake import tasks
from intake.models import Source, SourceSecret
from intake.services.source_input import input_of
from intake.services.sources import change_source, create_source, delete_source, rotate_secret
from intake.signatures.edge import EdgeKey
from tests.support import intake

if TYPE_CHECKING:
    from tests.support.worker import Worker

pytestmark = pytest.mark.django_db


def manage(*words: str) -> str:
    """What a management command prints."""
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def differences() -> list[tuple[str, str, str]]:
    told = json.loads(manage("edge", "sync", "--dry-run", "--json"))
    return [(item["change"], item["source"], item["fields"]) for item in told]


def test_a_dry_run_says_what_differs_and_changes_nothing(source, worker: Worker) -> None:
    worker.sources["old"] = {"config": {}, "secrets": []}

    assert differences() == [("create", "shop", ""), ("delete", "old", "")]
    assert list(worker.sources) == ["old"]


def test_after_a_sync_both_sides_are_the_same(source, worker: Worker) -> None:
    worker.sources["old"] = {"config": {}, "secrets": []}

    said = manage("edge", "sync")

    assert differences() == []
    assert worker.sources["shop"]["secrets"] == [intake.SECRET]
    assert worker.sources["shop"]["config"]["scheme"] == "github"
    assert intake.SECRET not in said
    details = AuditLine.objects.get(action="edge.sync").details
    assert {slug: item["change"] for slug, item in details.items()} == {"shop": "create", "old": "delete"}


def test_what_was_changed_is_named_without_its_value(source, worker: Worker) -> None:
    manage("edge", "sync")
    change_source(
        source=source, wanted=replace(input_of(source), rate="high", is_enabled=False), actor="command"
    )
    rotate_secret(source=source, actor="command", secret="another-secret")

    assert differences() == [("change", "shop", "enabled, rate, secrets")]


def test_both_secrets_are_at_the_edge_until_the_overlap_ends(source, worker: Worker) -> None:
    rotate_secret(source=source, actor="command", secret="another-secret", overlap=timedelta(hours=1))
    tasks.tell_edge()
    assert worker.sources["shop"]["secrets"] == ["another-secret", intake.SECRET]

    past = F("valid_until") - timedelta(hours=2)
    SourceSecret.objects.filter(valid_until__isnull=False).update(valid_until=past)
    Source.objects.update(synced_at=F("synced_at") - timedelta(hours=2))
    tasks.tell_edge()

    assert worker.sources["shop"]["secrets"] == ["another-secret"]


def test_the_chore_tells_the_edge_of_changes_alone(source, worker: Worker, settings) -> None:
    worker.sources["of-somebody-else"] = {"config": {}, "secrets": []}
    other = create_source(wanted=replace(input_of(source), slug="other"), actor="command")[0]
    assert tasks.tell_edge() == 2
    delete_source(source=other, actor="command")
    assert tasks.tell_edge() == 1
    told = len(worker.orders)

    assert tasks.tell_edge() == 0
    assert len(worker.orders) == told
    assert sorted(worker.sources) == ["of-somebody-else", "shop"]
    settings.EDGE_WORKER_URL = ""
    rotate_secret(source=source, actor="command")
    assert tasks.tell_edge() == 0


def test_an_edge_that_is_away_is_told_later(source, worker: Worker) -> None:
    worker.breaks = (503, b"")
    assert tasks.tell_edge() == 0

    worker.breaks = None
    assert tasks.tell_edge() == 1


def test_letters_are_redriven_by_order(worker: Worker) -> None:
    assert "0 sent again, 3 left" in manage("edge", "redrive", "--source", "shop", "--dry-run")
    assert not AuditLine.objects.exists()

    assert json.loads(manage("edge", "redrive", "--limit", "5000", "--json"))["sent"] == 1
    assert worker.orders[-1] == ("/control/redrive", {"limit": 1000, "dry_run": False})
    assert AuditLine.objects.get().action == "edge.redrive"


def test_the_edge_says_how_it_is(worker: Worker) -> None:
    assert json.loads(manage("edge", "status", "--json"))["dead_letters"] == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, b""), "EDGE_CONTROL_KEYS"),
        ((404, b""), "EDGE_WORKER_URL"),
        ((400, b"config: rate is odd"), "answered 400: config: rate is odd"),
        ((302, b""), "answered 302"),
        ((200, b"<html>"), "not the edge Worker"),
        ((200, b"{}"), "cannot be read"),
    ],
)
def test_an_edge_that_does_not_do_it_is_named_with_the_reason(source, worker: Worker, answer, words) -> None:
    worker.breaks = answer

    with pytest.raises(CommandError, match=words):
        manage("edge", "sync")


def test_without_a_worker_or_a_key_there_is_nobody_to_speak_to(worker: Worker, settings) -> None:
    settings.EDGE_CONTROL_KEYS = (EdgeKey("control-1", b"x" * 32),)
    with pytest.raises(CommandError, match="does not know the key"):
        manage("edge", "status")
    settings.EDGE_CONTROL_KEYS = ()
    with pytest.raises(CommandError, match="EDGE_CONTROL_KEYS is not set"):
        manage("edge", "status")
    settings.EDGE_WORKER_URL = "http://127.0.0.1:1"
    settings.EDGE_CONTROL_KEYS = (intake.CONTROL_KEY,)
    with pytest.raises(CommandError, match=r"127\.0\.0\.1:1 could not be reached"):
        manage("edge", "status")
    settings.EDGE_WORKER_URL = ""
    with pytest.raises(CommandError, match="EDGE_WORKER_URL is not set"):
        manage("edge", "status")


def test_commands_in_another_terminal_find_what_make_run_started(worker: Worker, settings, tmp_path) -> None:
    settings.ADDRESSES_FILE = tmp_path / "addresses.json"
    settings.ADDRESSES_FILE.write_text(json.dumps({"edge": worker.url, "web": "http://127.0.0.1:8000"}))
    settings.EDGE_WORKER_URL = ""

    assert "1.0.0" in manage("edge", "status")


def test_a_webhook_is_sent_to_the_worker_as_its_sender_would(source, worker: Worker, tmp_path) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(b'{ "a":1 }\n')

    said = manage("hooks", "send", "shop", "--file", str(file), "--type", "issues", "--delivery", "d-1")

    path, headers, body = worker.hooks[0]
    assert (path, body) == ("/hooks/shop", b'{ "a":1 }\n')
    assert (headers["x-github-event"], headers["x-github-delivery"]) == ("issues", "d-1")
    assert headers["x-hub-signature-256"].startswith("sha256=")
    assert "through the edge Worker: 202" in said
