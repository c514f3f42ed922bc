"""The endpoints for the edge: nothing opens without its signature, and nothing is read before it was compared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from infra_shared.clock import utc_now
from intake.api import edge_auth
from intake.models import DeadLetter, Event, IntakeLedger
from intake.signatures.edge import EdgeKey, Purpose
from tests.support import api, intake

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("source")]


def test_a_signed_batch_is_answered_for_each_message(edge) -> None:
    good, bad = intake.message(), intake.message(size=1)

    answer = edge.post("/batch", intake.batch(good, bad))

    assert answer.status_code == 200
    first, second = answer.json()["results"]
    assert first == {"id": good["id"], "status": "accepted"}
    assert (second["id"], second["status"]) == (bad["id"], "rejected")
    assert "size" in second["reason"]


def test_a_batch_nobody_signed_is_refused_and_nothing_is_stored(edge, settings) -> None:
    body = intake.batch(intake.message())
    bare = Client().post("/api/v1/intake/batch", body, content_type="application/json")
    with_key = api.Caller(api.key()).post("/intake/batch", body)
    stranger = intake.Edge(EdgeKey("edge-1", b"s" * 32)).post("/batch", body)
    other_purpose = edge.post("/batch", body, purpose=Purpose.DEAD_LETTERS)
    stale = intake.Edge(now=utc_now() - timedelta(seconds=400)).post("/batch", body)
    settings.EDGE_KEYS = ()
    without_keys = edge.post("/batch", body)

    for answer in (bare, with_key, stranger, other_purpose, stale, without_keys):
        api.problem(answer, 401)
    assert not Event.objects.exists()
    assert not IntakeLedger.objects.exists()


def test_a_body_over_the_limit_is_refused_and_nothing_is_stored(edge, monkeypatch) -> None:
    monkeypatch.setattr(edge_auth, "MAX_REQUEST_BYTES", 10_000)

    api.problem(edge.post("/batch", intake.batch(intake.message(b"x" * 10_000))), 413)

    assert not Event.objects.exists()


def test_a_body_larger_than_django_takes_elsewhere_is_stored(edge, settings) -> None:
    large = intake.message(b'"' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"')

    assert edge.post("/batch", intake.batch(large)).json()["results"][0]["status"] == "accepted"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[]",
        b'{"v": 2, "messages": [{}]}',
        b'{"v": 1, "messages": []}',
        b'{"v": 1, "messages": {}}',
        intake.batch(*[{}] * 101),
    ],
)
def test_what_is_no_batch_is_malformed(edge, body) -> None:
    api.problem(edge.post("/batch", body), 400)


def test_a_message_without_an_id_gets_no_answer_and_the_others_do(edge) -> None:
    good = intake.message()

    answer = edge.post("/batch", intake.batch({}, good, intake.message(id=7)))

    assert [item["id"] for item in answer.json()["results"]] == [good["id"]]


def test_the_edge_learns_that_batches_are_taken(edge) -> None:
    assert edge.get("/ready").json() == {"ready": True, "sources": 1}
    api.problem(edge.get("/ready", purpose=Purpose.BATCH), 401)


def letter(**changes: Any) -> dict[str, Any]:
    told = intake.message()
    kept = {name: told[name] for name in ("id", "source", "key", "received_at", "content_type", "scheme")}
    told = kept | {
        "dead_at": "2026-11-22T08:30:00.000Z",
        "edge_attempts": 101,
        "size": 7,
        "sha256": "0" * 64,
        "reason": "the origin answered 500",
        "redrives": 0,
    }
    return told | changes


def notice(edge, *letters) -> list[dict[str, Any]]:
    body = intake.batch(*letters).replace(b'"messages"', b'"letters"')
    answer = edge.post("/dead-letters", body, purpose=Purpose.DEAD_LETTERS).json()
    return list(answer["results"])


def test_a_dead_letter_is_noted_once_and_its_death_again_is_news(edge, source) -> None:
    told = letter()

    assert notice(edge, told, {"id": "x"}) == [
        {"id": told["id"], "status": "accepted"},
        {"id": "x", "status": "rejected", "reason": notice(edge, {"id": "x"})[0]["reason"]},
    ]
    notice(edge, told | {"redrives": 1, "reason": "again"})

    kept = DeadLetter.objects.get()
    assert (kept.redrives, kept.reason, kept.source) == (1, "again", source)


def test_a_letter_whose_event_is_stored_is_not_open(edge) -> None:
    event = intake.stored()

    notice(edge, letter(id=str(event.message_id)), letter(id=str(uuid4()), source="nobody"))

    assert [row.slug for row in DeadLetter.objects.open()] == ["nobody"]
