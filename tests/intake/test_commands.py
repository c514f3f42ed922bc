"""Commands: events are listed, shown and replayed; a webhook goes straight to a server that has no Worker."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from intake import tasks
from intake.models import Event, SourceSecret, Trigger
from intake.services.ledger import conservation
from intake.states import EventState
from runs.models import Run
from tests.support import intake

pytestmark = pytest.mark.django_db
SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "github-push.json"


def manage(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_events_are_listed_and_shown_with_what_became_of_them(source, version) -> None:
    intake.trigger(source, version)
    event = intake.stored()
    tasks.route_events()

    (line,) = json.loads(manage("events", "list", "--source", "shop", "--state", "routed", "--json"))
    assert (line["id"], line["type"]) == (str(event.pk), "push")
    assert manage("events", "list", "--search", "pull").strip() == "There is no such event."

    shown = json.loads(manage("events", "show", str(event.pk)))
    assert shown["matches"][0]["run"] == str(Run.objects.get().pk)
    with pytest.raises(CommandError, match="There is no event"):
        manage("events", "show", str(Run.objects.get().pk))


def test_a_body_is_written_byte_for_byte(source, capfdbinary) -> None:
    event = intake.stored(b'{"a":\r\n1}\x00')

    call_command("events", "show", str(event.pk), "--body")

    assert capfdbinary.readouterr().out == b'{"a":\r\n1}\x00'


def test_events_are_replayed_after_a_look(source) -> None:
    event = intake.stored()
    tasks.route_events()

    assert "1 events, the oldest first. 0 are" in manage("events", "replay", "--source", "shop", "--dry-run")
    assert "would be" in manage("events", "replay", str(event.pk), "--dry-run")
    assert "Replay 1" in manage("events", "replay", str(event.pk))
    assert "still" in manage("events", "replay", str(event.pk))
    with pytest.raises(CommandError, match="Say which events"):
        manage("events", "replay")


def test_the_demo_is_made_once_and_follows_the_practice_site(version, monkeypatch) -> None:
    monkeypatch.setattr("intake.services.demo.AUTOMATION", "sample")

    manage("hooks", "demo", "--site-url", "http://127.0.0.1:8001")
    manage("hooks", "demo", "--site-url", "http://127.0.0.1:8002/")

    assert SourceSecret.objects.count() == 1
    assert "http://127.0.0.1:8002/?commit=" in Trigger.objects.get().mapping


@pytest.mark.django_db(transaction=True)
def test_without_a_worker_a_webhook_goes_signed_to_this_server(
    version, edge, live_server, settings, monkeypatch
) -> None:
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr("intake.services.demo.AUTOMATION", "sample")
    manage("hooks", "demo", "--site-url", "http://127.0.0.1:8001")

    said = manage("hooks", "send", "demo-github", "--file", str(SAMPLE), "--delivery", "d-1")
    again = manage("hooks", "send", "demo-github", "--file", str(SAMPLE), "--delivery", "d-1")

    assert "without a Worker, as a batch signed here: 200 accepted" in said
    assert "200 duplicate" in again
    event = Event.objects.get()
    assert (event.type, event.duplicates, event.state) == ("push", 1, EventState.PENDING)
    assert [name for name, _ in event.headers if "signature" in name] == []
    assert SourceSecret.objects.get().last_used_at is not None
    assert conservation().is_balanced


def test_what_cannot_be_sent_says_why(source, settings, tmp_path) -> None:
    settings.EDGE_KEYS = ()
    with pytest.raises(CommandError, match="no source"):
        manage("hooks", "send", "nobody", "--file", str(SAMPLE))
    with pytest.raises(CommandError, match="cannot be read"):
        manage("hooks", "send", "shop", "--file", str(tmp_path / "none.json"))
    with pytest.raises(CommandError, match="EDGE_WORKER_URL"):
        manage("hooks", "send", "shop", "--file", str(SAMPLE))
