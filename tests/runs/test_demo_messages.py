"""The demo shows what became of its mails, and may be seeded again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra_shared.models import OutboxMessage
from infra_shared.services.alerts import alert
from infra_shared.services.outbox import SendReport, send_due
from runs.management.demo_messages import make_messages

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_the_demo_has_mail_that_was_sent_failed_or_was_dropped_once_and_sends_none_of_it() -> None:
    row = alert(key="failure:7", title="Invoices fail", text="Not found.", now=NOW)

    for _ in range(2):
        make_messages(NOW)

    states = OutboxMessage.objects.order_by("created_at").values_list("state", "alert")
    assert list(states) == [("sent", None), ("dropped", None), ("failed", row.pk), ("failed", row.pk)]
    assert send_due(now=lambda: NOW) == SendReport()
