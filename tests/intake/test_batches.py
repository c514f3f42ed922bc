"""Batches of the edge: each message answered, each new event stored once, in a fixed number of statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.models import Blob
from intake.models import DeadLetter, Event, IntakeLedger, SourceSecret
from intake.services.bodies import body_of
from intake.signatures.edge import fingerprint
from intake.states import EventState
from tests.support import intake

if TYPE_CHECKING:
    from intake.models import Source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("source")]


def statuses(*messages) -> list[str]:
    return [verdict.status.value for verdict in intake.take(*messages)]


def test_an_event_is_kept_byte_for_byte() -> None:
    body = b'{ "city":\t"R\xc4\xabga" }\r\n\x00'

    event = intake.stored(body, query="a=1&b=%00")

    assert body_of(event) == body
    assert event.headers == [["x-github-event", "push"], ["user-agent", "GitHub-Hookshot/1"]]
    assert (event.type, event.query, event.size_bytes) == ("push", "a=1&b=%00", len(body))
    assert event.received_at == intake.RECEIVED_AT
    assert (event.state, event.customer.key) == (EventState.PENDING, "main")


def test_the_same_key_is_stored_once_and_counted() -> None:
    first = intake.message(key="delivery:1")
    again = intake.message(key="delivery:1")

    assert statuses(first) == ["accepted"]
    assert statuses(again, intake.message(), first) == ["duplicate", "accepted", "duplicate"]

    event = Event.objects.get(key="delivery:1")
    assert (event.message_id, event.duplicates) == (UUID(first["id"]), 2)
    assert event.last_duplicate_at is not None


def test_equal_keys_inside_a_batch_are_settled_first() -> None:
    same = [intake.message(key="delivery:1") for _ in range(3)]

    assert statuses(*same) == ["accepted", "duplicate", "duplicate"]
    assert Event.objects.get().duplicates == 2


def test_the_same_key_of_another_source_is_another_event() -> None:
    intake.source("billing")

    assert statuses(intake.message(key="delivery:1"), intake.message(key="delivery:1", source="billing")) == [
        "accepted",
        "accepted",
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": "nobody"}, "There is no source 'nobody'."),
        ({"size": 1}, "size says 1"),
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"body": "%%%"}, "base64"),
        ({"body": 7}, "base64"),
        ({"received_at": "yesterday"}, "received_at"),
        ({"key": "k" * 301}, "key"),
        ({"headers": [["one"]]}, "headers"),
        ({"headers": [["x", "a\0b"]]}, "U+0000"),
        ({"scheme": "pigeon"}, "scheme"),
    ],
)
def test_a_malformed_message_is_rejected_alone(changes, reason) -> None:
    good, bad = intake.message(), intake.message(**changes)

    verdicts = intake.take(good, bad)

    assert [verdict.status.value for verdict in verdicts] == ["accepted", "rejected"]
    assert verdicts[1].id == bad["id"]
    assert reason in verdicts[1].reason
    assert Event.objects.count() == 1


def test_the_ledger_counts_every_answer_at_the_origin() -> None:
    statuses(intake.message(key="delivery:1"), intake.message(), intake.message(source="nobody"))
    statuses(intake.message(key="delivery:1"), intake.message(size=1))

    counted = IntakeLedger.objects.order_by("slug").values_list(
        "slug", "received", "stored", "duplicate", "rejected"
    )
    assert list(counted) == [("", 1, 0, 0, 1), ("shop", 4, 2, 1, 1)]


def queries_of(*messages) -> int:
    with CaptureQueriesContext(connection) as captured:
        intake.take(*messages)
    return len(captured)


def test_a_batch_takes_as_many_statements_for_a_hundred_as_for_one() -> None:
    known = [intake.message(key=f"delivery:{number}") for number in range(50)]
    intake.take(*known)

    def mixed(count: int) -> list[dict[str, Any]]:
        news = [intake.message({"number": uuid4().hex}) for _ in range(count)]
        return news + known[:count] + [intake.message(size=1) for _ in range(count)]

    assert queries_of(*mixed(33)) == queries_of(*mixed(1)) <= 10


def test_large_bodies_are_blobs_and_take_one_more_statement() -> None:
    def bodies(count: int) -> list[dict[str, Any]]:
        return [intake.message(b'"' + uuid4().hex.encode() * 4_100 + b'"') for _ in range(count)]

    sent = bodies(3)
    assert queries_of(*sent) == queries_of(*bodies(1))

    event = Event.objects.get(message_id=sent[0]["id"])
    assert event.body is None
    assert event.blob == Blob.objects.get(digest=sent[0]["sha256"])
    assert len(body_of(Event.objects.select_related("blob").get(pk=event.pk))) == sent[0]["size"]


def test_a_store_that_does_not_answer_brings_large_bodies_back_later(monkeypatch) -> None:
    def refuse(*_, **__):
        raise BlobStorageError("The disk is full.")

    monkeypatch.setattr(FileBlobStore, "put", refuse)
    large = intake.message(b'"' + b"x" * 130_000 + b'"')

    verdicts = intake.take(large, intake.message())

    assert [(item.status.value, item.delay) for item in verdicts] == [("retry", 30), ("accepted", None)]
    assert IntakeLedger.objects.get().received == 1


def test_credentials_that_came_along_are_not_kept() -> None:
    event = intake.stored(headers=[["Authorization", "Bearer x"], ["cookie", "a=b"], ["X-Id", "7"]])

    assert event.headers == [["x-id", "7"]]


def test_a_batch_leaves_one_ticket_for_routing() -> None:
    intake.take(intake.message(), intake.message())
    assert OrmQ.objects.count() == 1

    intake.take(intake.message(size=1))
    assert OrmQ.objects.count() == 1


def test_the_edge_tells_which_secret_was_used(settings, source: Source) -> None:
    settings.EDGE_CONTROL_KEYS = (intake.CONTROL_KEY,)
    print_ = fingerprint(key=intake.CONTROL_KEY, secret=intake.SECRET)

    intake.take(intake.message(secret="0" * 16))
    assert SourceSecret.objects.get().last_used_at is None

    intake.take(intake.message(secret=print_))
    assert SourceSecret.objects.get().last_used_at is not None


def test_a_letter_that_came_through_after_all_is_dead_no_more() -> None:
    sent = intake.message()
    DeadLetter.objects.create(
        message_id=sent["id"],
        slug="shop",
        size_bytes=1,
        edge_attempts=3,
        received_at=intake.RECEIVED_AT,
        dead_at=intake.RECEIVED_AT,
    )

    intake.take(sent)

    assert not DeadLetter.objects.open().exists()
