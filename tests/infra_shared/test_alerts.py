"""Alerts reach somebody, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from infra_shared.models import AuditLine, OutboxMessage
from infra_shared.services import audit
from infra_shared.services.alerts import Severity, alert

NOW = datetime(2026, 3, 1, 12, 59, 50, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def _alert(seconds_later: float = 0, **fields) -> OutboxMessage | None:
    fields = {"key": "stuck-queue", "title": "Nothing runs", "text": "Since noon.", **fields}
    return alert(now=NOW + timedelta(seconds=seconds_later), **fields)


def test_an_alert_is_mailed_with_its_link_and_logged(settings):
    settings.ALERT_EMAILS = ["anna@example.org", "ben@example.org"]

    with capture_logs() as lines:
        message = _alert(severity=Severity.CRITICAL, link="https://console/runs")

    assert message is not None
    assert (message.channel, message.state) == ("email", "pending")
    assert message.recipient == "anna@example.org, ben@example.org"
    assert message.subject == "[critical] Nothing runs"
    assert message.body_text == "Since noon.\n\nhttps://console/runs\n"
    assert [(line["event"], line["log_level"]) for line in lines] == [("alert", "error")]


def test_the_same_key_is_mailed_once_in_a_window_also_across_its_border():
    assert _alert() is not None
    assert _alert(20) is None  # the next hour has begun, ten seconds ago
    assert _alert(20, key="another") is not None
    assert _alert(3601) is not None


def test_every_alert_is_logged_even_when_no_mail_goes_out():
    with capture_logs() as lines:
        _alert()
        _alert()

    assert [line["key"] for line in lines] == ["stuck-queue", "stuck-queue"]


def test_without_an_address_the_message_is_kept_on_the_log_channel(settings):
    settings.ALERT_EMAILS = []

    message = _alert()

    assert message is not None
    assert (message.channel, message.state, message.sent_at) == ("log", "sent", NOW)


def test_an_alert_holds_no_password(settings):
    settings.ALERT_EMAILS = ["anna@example.org"]

    message = _alert(text="postgres://anna:hunter2@db is unreachable")

    assert message is not None
    assert "hunter2" not in message.body_text


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
