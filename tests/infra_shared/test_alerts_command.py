"""Alerts on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from infra_shared.models import Alert, AlertChannel
from infra_shared.services.alerts import alert

if TYPE_CHECKING:
    from tests.support.receivers import Mailbox

pytestmark = pytest.mark.django_db


def test_open_alerts_are_listed_taken_on_and_muted(capsys: pytest.CaptureFixture[str]) -> None:
    row = alert(key="queue:default", title="Nothing runs", text="Since noon.")

    call_command("alerts", "list", "--json")
    assert json.loads(capsys.readouterr().out)[0]["key"] == "queue:default"
    call_command("alerts", "acknowledge", str(row.pk), "--note", "On it.")
    call_command("alerts", "mute", str(row.pk), "--hours", "2", "--reason", "Known.")

    stored = Alert.objects.get()
    assert (stored.acknowledge_note, stored.mute_reason) == ("On it.", "Known.")
    with pytest.raises(CommandError, match="No open alert"):
        call_command("alerts", "acknowledge", str(row.pk))


def test_a_channel_is_tried_and_the_command_says_whether_it_arrived(
    mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    AlertChannel.objects.create(name="ops", kind="email", place="ops@example.org")

    call_command("alerts", "test", "ops")
    assert "A test arrived at ops@example.org." in capsys.readouterr().out
    mailbox.refuses = "550 No such user"
    with pytest.raises(CommandError, match="No such user"):
        call_command("alerts", "test", "ops")


def test_the_addresses_of_the_settings_are_tried_under_their_settings_name(
    mailbox: Mailbox, capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    with pytest.raises(CommandError, match="ALERT_EMAILS names nobody"):
        call_command("alerts", "test", "ALERT_EMAILS")

    settings.ALERT_EMAILS = ["anna@example.org"]
    call_command("alerts", "test", "ALERT_EMAILS")

    assert "A test arrived at anna@example.org." in capsys.readouterr().out
    assert len(mailbox.mails) == 1
