"""Dead letters in the console: why each died, and sending them again by an order to the Worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from infra_shared.database import database_now
from infra_shared.models import AuditLine
from intake.models import DeadLetter, Source
from tests.support import intake
from tests.support.operators import in_role

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from tests.support.worker import Worker

pytestmark = pytest.mark.django_db
LETTERS = "/admin/intake/deadletter/"


@pytest.fixture
def letter(source: Source) -> DeadLetter:
    """A letter of the source `shop`."""
    return letter_of(source)


def letter_of(source: Source | None, slug: str = "") -> DeadLetter:
    now = database_now()
    return DeadLetter.objects.create(
        message_id=uuid4(),
        slug=slug or getattr(source, "slug", ""),
        source=source,
        key="delivery:1",
        reason="The origin answered 400 to it alone.",
        scheme="github",
        size_bytes=12,
        sha256="0" * 64,
        edge_attempts=12,
        received_at=now,
        dead_at=now,
    )


def test_the_list_says_why_and_the_page_how_to_go_on(console: Client, letter: DeadLetter) -> None:
    assert letter.reason in console.get(f"{LETTERS}?delivered_at__isempty=1").text
    assert "Mend what the reason names" in console.get(f"{LETTERS}{letter.pk}/change/").text


def test_one_is_sent_again_by_an_order_to_the_worker(
    console: Client, letter: DeadLetter, worker: Worker
) -> None:
    answer = console.post(f"{LETTERS}{letter.pk}/redrive/", follow=True)

    assert "The edge sends it again" in answer.text
    (path, what), *_ = worker.orders
    assert (path, what["ids"], what["dry_run"]) == ("/control/redrive", [str(letter.message_id)], False)
    assert AuditLine.objects.get(action="edge.redrive").actor == "operator:anna"


def test_those_of_a_source_are_looked_at_first(
    console: Client, letter: DeadLetter, source: Source, worker: Worker
) -> None:
    path = f"{LETTERS}redrive/?source={source.pk}"

    look = console.get(path)
    done = console.post(path, {"reason": "The origin is back."}, follow=True)

    assert "The edge would send 1 letter again" in look.text
    assert "The edge sends 1 letter again" in done.text
    assert [(what["source"], what["dry_run"]) for _, what in worker.orders] == [
        ("shop", True),
        ("shop", False),
    ]


def test_without_a_worker_it_says_what_to_look_at(
    console: Client, letter: DeadLetter, settings: Any, tmp_path: Path
) -> None:
    settings.EDGE_WORKER_URL, settings.EDGE_CONTROL_KEYS = "", (intake.CONTROL_KEY,)
    settings.ADDRESSES_FILE = tmp_path / "none.json"

    answer = console.post(f"{LETTERS}{letter.pk}/redrive/", follow=True)

    assert "EDGE_WORKER_URL is not set" in answer.text


def test_a_letter_that_came_through_leads_to_its_event(console: Client, letter: DeadLetter) -> None:
    event = intake.stored(id=str(letter.message_id))

    page = console.get(f"{LETTERS}{letter.pk}/change/").text

    assert f"/admin/intake/event/{event.pk}/change/" in page
    assert f"{LETTERS}{letter.pk}/redrive/" not in page


def test_letters_out_of_reach_are_not_there(letter: DeadLetter, source: Source, worker: Worker) -> None:
    letter_of(None, "nobody")
    viewer, operator = in_role("Viewer"), in_role("Operator", customers=["acme"], name="eve")

    assert viewer.post(f"{LETTERS}{letter.pk}/redrive/").status_code == 403
    assert list(operator.get(LETTERS).context["cl"].result_list) == []
    for path in (f"{letter.pk}/redrive/", f"redrive/?source={source.pk}", "redrive/"):
        assert operator.post(LETTERS + path).status_code == 404
    assert worker.orders == []
