"""Alerts open once, are told once, and are told to be over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from infra_shared.models import Alert, AlertChannel, AuditLine, OutboxMessage
from infra_shared.services import alerts, audit
from infra_shared.services.alerts import Severity, alert, close_alert, tell_what_is_due

NOW = datetime(2026, 3, 1, 12, 59, 50, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _somebody_is_mailed(settings):
    settings.ALERT_EMAILS = ["anna@example.org", "ben@example.org"]


def _alert(later: timedelta = timedelta(0), **fields) -> Alert:
    fields = {"key": "queue:default", "title": "Nothing runs", "text": "Since noon.", **fields}
    return alert(now=NOW + later, **fields)


def _close(later: timedelta) -> bool:
    return close_alert(key="queue:default", reason="It works again.", now=NOW + later)


def _told() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("purpose", flat=True))


def test_an_alert_is_mailed_with_its_links_and_logged(caplog):
    row = _alert(severity=Severity.CRITICAL, link="https://console/runs")

    message = row.deliveries.get()
    assert (message.channel, message.state) == ("email", "pending")
    assert message.recipient == "anna@example.org, ben@example.org"
    assert message.subject == "[critical] Nothing runs"
    assert "Since noon." in message.body_text
    assert f"/admin/infra_shared/alert/{row.pk}/change/" in message.body_text
    assert "https://console/runs" in message.body_text
    assert [(record.msg["event"], record.levelname) for record in caplog.records] == [("alert", "ERROR")]


def test_what_goes_on_being_wrong_is_counted_and_told_once():
    rows = [_alert(timedelta(minutes=minutes)) for minutes in range(5)]
    _alert(key="queue:heavy")

    row = rows[-1]
    assert (row.rule, row.count, row.opened_at) == ("queue", 5, NOW)
    assert row.last_seen_at == NOW + timedelta(minutes=4)
    assert _told() == ["opened", "opened"]


def test_an_alert_is_told_only_if_what_caused_it_stands():
    with transaction.atomic():
        _alert()
        transaction.set_rollback(True)

    assert not OutboxMessage.objects.exists()
    assert not Alert.objects.exists()


def test_recovery_closes_it_and_is_told_once():
    _alert()

    assert _close(HOUR)
    assert not _close(HOUR)

    assert _told() == ["opened", "recovered"]
    assert OutboxMessage.objects.get(purpose="recovered").subject == "[recovered] Nothing runs"


def test_what_opens_and_closes_all_the_time_is_told_once_an_hour():
    for minutes in range(0, 50, 10):
        _alert(timedelta(minutes=minutes))
        _close(timedelta(minutes=minutes + 5))

    assert _told() == ["opened", "recovered"]
    assert Alert.objects.get().openings == 5


def test_what_was_held_back_is_told_when_the_hour_is_over_and_it_is_still_open():
    _alert()
    _close(timedelta(minutes=5))
    _alert(timedelta(minutes=10))

    assert tell_what_is_due(now=NOW + timedelta(minutes=59)) == 0
    assert tell_what_is_due(now=NOW + HOUR) == 1
    assert _told() == ["opened", "recovered", "opened"]


def test_an_event_reported_again_and_again_counts_once_and_never_opens_what_is_closed():
    _alert(happened_at=NOW)
    _alert(happened_at=NOW)
    _close(timedelta(minutes=5))

    row = _alert(timedelta(minutes=6), happened_at=NOW)

    assert (row.count, row.is_open) == (1, False)


def test_nobody_taking_it_on_is_reminded_of_after_a_day_and_somebody_is_not():
    row = _alert()
    assert tell_what_is_due(now=NOW + 24 * HOUR) == 1
    assert tell_what_is_due(now=NOW + 25 * HOUR) == 0

    assert alerts.acknowledge(alert_id=row.pk, note="On it.", actor="operator:anna")
    assert not alerts.acknowledge(alert_id=row.pk, note="Me too.", actor="operator:ben")
    assert tell_what_is_due(now=NOW + 72 * HOUR) == 0
    assert _told() == ["opened", "reminder"]


def test_an_alert_that_opens_anew_has_to_be_taken_on_anew():
    row = _alert()
    alerts.acknowledge(alert_id=row.pk, note="On it.", actor="operator:anna")
    _close(HOUR)

    assert _alert(2 * HOUR).acknowledged_at is None


def test_a_muted_alert_is_counted_and_told_when_the_mute_ends_if_it_is_still_open():
    row = _alert()
    _close(timedelta(minutes=1))
    alerts.mute(alert_id=row.pk, until=NOW + 6 * HOUR, reason="Move of the shop", actor="operator:anna")

    _alert(2 * HOUR)
    tell_what_is_due(now=NOW + 5 * HOUR)
    assert _told() == ["opened", "recovered"]
    tell_what_is_due(now=NOW + 6 * HOUR)

    assert _told() == ["opened", "recovered", "opened"]
    assert AuditLine.objects.get(action="alert.mute").reason == "Move of the shop"


def test_unmuting_tells_of_what_is_open_at_once():
    row = _alert()
    Alert.objects.update(is_told=False, told_at=None)
    OutboxMessage.objects.all().delete()
    far = datetime(2100, 1, 1, tzinfo=UTC)
    alerts.mute(alert_id=row.pk, until=far, reason="", actor="operator:anna")

    assert alerts.unmute(alert_id=row.pk, actor="operator:anna")
    assert not alerts.unmute(alert_id=row.pk, actor="operator:anna")
    assert _told() == ["opened"]


@pytest.mark.parametrize(
    ("chosen", "is_taken"),
    [
        ({}, True),
        ({"rules": ["failure"], "customers": ["acme"], "automations": ["invoices"]}, True),
        ({"rules": ["queue"]}, False),
        ({"customers": ["main"]}, False),
        ({"automations": ["orders"]}, False),
        ({"is_on": False}, False),
    ],
)
def test_a_channel_takes_what_was_chosen_for_it(settings, chosen, is_taken):
    settings.ALERT_EMAILS = []
    AlertChannel.objects.create(name="ops", kind="email", place="ops@example.org", **chosen)

    row = _alert(key="failure:7", customer="acme", automation="invoices")

    assert row.deliveries.exists() == is_taken


def test_what_belongs_to_no_customer_is_not_told_where_customers_were_chosen(settings):
    settings.ALERT_EMAILS = []
    AlertChannel.objects.create(name="acme", kind="email", place="it@acme.example", customers=["acme"])

    assert not _alert().deliveries.exists()


def test_a_channel_may_do_without_recoveries(settings):
    settings.ALERT_EMAILS = []
    AlertChannel.objects.create(name="ops", kind="email", place="ops@example.org", tells_recovery=False)
    _alert()
    _close(HOUR)

    assert _told() == ["opened"]


def test_an_alert_holds_no_password():
    row = _alert(text="postgres://anna:hunter2@db is unreachable")

    assert "hunter2" not in row.text
    assert "hunter2" not in row.deliveries.get().body_text


def test_an_audit_line_says_who_did_what_and_loses_secrets():
    audit.record(
        actor="operator:anna",
        action="run.rerun",
        object_kind="run",
        object_id=7,
        reason="retry with token=abcdefgh",
        customer="main",
        details={"password": "hunter2", "params": {"page": 3}},
    )

    [line] = AuditLine.objects.about("run", "7")
    assert (line.actor, line.action, line.customer) == ("operator:anna", "run.rerun", "main")
    assert line.details == {"password": "•••", "params": {"page": 3}}
    assert str(line) == "operator:anna run.rerun 7"
