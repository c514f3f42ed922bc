"""What is measured of files and messages, and what may be called a figure at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infra_shared.blobs.django_store import artifact_store
from infra_shared.database import database_now
from infra_shared.figures import Family, Group, Kind, Label, groups, register
from infra_shared.models import OutboxMessage
from infra_shared.services.blobs import remember_blob
from infra_shared.services.outbox import enqueue_mail
from tests.support.metrics import measured

SAID = "What it says to a person who reads it."


@pytest.mark.django_db
def test_the_same_bytes_count_once_and_compressed_ones_as_stored() -> None:
    store = artifact_store()
    for body in (b"a" * 10_000, b"a" * 10_000, b"b" * 500):
        remember_blob(store.put(body, text=True))

    found = measured()

    assert found["automation_blobs"] == 2
    assert found["automation_blobs_plain_bytes"] == 10_500
    assert 0 < found["automation_blobs_stored_bytes"] < 1_000


@pytest.mark.django_db
def test_mail_waits_is_given_up_or_gone() -> None:
    written = database_now() - timedelta(minutes=7)
    mails = [
        enqueue_mail(recipients=["anna@example.org"], subject="Hello", body_text="Text", now=written)
        for _ in range(4)
    ]
    ends = {mails[0].pk: "failed", mails[1].pk: "sent"}
    for pk, state in ends.items():
        sent_at = written if state == "sent" else None
        OutboxMessage.objects.filter(pk=pk).update(state=state, next_attempt_at=None, sent_at=sent_at)

    found = measured()

    assert found["automation_outbox_waiting_messages{channel=email}"] == 2
    assert found["automation_outbox_failed_messages{channel=email}"] == 1
    assert 420 <= found["automation_outbox_oldest_waiting_seconds{channel=email}"] < 520
    assert found["automation_outbox_oldest_waiting_seconds{channel=webhook}"] == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("runs_open", Kind.GAUGE),
        ("automation_Runs", Kind.GAUGE),
        ("automation_runs", Kind.COUNTER),
        ("automation_runs_total", Kind.GAUGE),
    ],
)
def test_a_name_that_readers_would_misunderstand_is_refused(name: str, kind: Kind) -> None:
    with pytest.raises(ValueError, match=name):
        Family(name=name, words=SAID, kind=kind)


def test_a_name_is_registered_once() -> None:
    taken = groups()[0].families[0]

    with pytest.raises(ValueError, match=taken.name):
        register(Group(title="Again", families=(taken,), read=lambda _now: ()))


def test_a_figure_has_a_value_for_each_label() -> None:
    family = Family(name="automation_nodes", words=SAID, labels=(Label("state", ("alive",)),))

    with pytest.raises(ValueError, match="state"):
        family.of(1)


@pytest.mark.parametrize("facts", [{}, {"values": ("alive",), "named_by": "the name of a node"}])
def test_a_label_says_all_its_values_or_what_it_is_the_name_of(facts: Any) -> None:
    with pytest.raises(ValueError, match="state"):
        Label("state", **facts)
