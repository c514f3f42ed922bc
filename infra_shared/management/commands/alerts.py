"""`manage.py alerts list|acknowledge|mute|test`: what is wrong, and whether it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from infra_shared.models import Alert, AlertChannel
from infra_shared.nouns import ACTOR, NounCommand, at_least
from infra_shared.services import alert_channels, alerts, outbox
from infra_shared.services.alert_channels import ChannelRefusedError
from infra_shared.services.alert_messages import OF_SETTINGS

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(NounCommand):
    help = "List alerts, take them on, mute them, and try a channel."

    def list_arguments(self, parser: CommandParser) -> None:
        """Arguments of `list`."""
        parser.add_argument("--json", action="store_true", help="For scripts.")

    def do_list(self, json: bool, **_: Any) -> None:  # noqa: FBT001 - argparse names its values
        """List the open alerts, the one seen last first."""
        rows = list(Alert.objects.open())
        if json:
            names = (
                "id",
                "key",
                "severity",
                "title",
                "text",
                "customer",
                "opened_at",
                "last_seen_at",
                "count",
            )
            self.say_json([{name: getattr(row, name) for name in names} for row in rows])
            return
        table = (
            (row.pk, row.severity, f"{row.opened_at:%Y-%m-%d %H:%M}", row.count, row.title) for row in rows
        )
        self.say_table(("ID", "SEVERITY", "SINCE", "SEEN", "TITLE"), table, empty="No alert is open.")

    def acknowledge_arguments(self, parser: CommandParser) -> None:
        """Arguments of `acknowledge`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--note", default="")

    def do_acknowledge(self, id: int, note: str, **_: Any) -> None:  # noqa: A002 - the argument's name
        """Say that somebody takes care of an open alert, which ends its reminders."""
        if not alerts.acknowledge(alert_id=id, note=note, actor=ACTOR):
            raise CommandError(f"No open alert {id} waits for somebody. See: manage.py alerts list")
        self.say(f"Alert {id} is taken on.")

    def mute_arguments(self, parser: CommandParser) -> None:
        """Arguments of `mute`."""
        parser.add_argument("id", type=int)
        parser.add_argument("--hours", type=at_least(1), required=True)
        parser.add_argument("--reason", required=True)

    def do_mute(self, id: int, hours: int, reason: str, **_: Any) -> None:  # noqa: A002 - the argument's name
        """Tell nobody of an alert for so many hours."""
        if not Alert.objects.filter(pk=id).exists():
            raise CommandError(f"There is no alert {id}. See: manage.py alerts list")
        until = timezone.now() + timedelta(hours=hours)
        alerts.mute(alert_id=id, until=until, reason=reason, actor=ACTOR)
        self.say(f"Alert {id} is muted until {until:%Y-%m-%d %H:%M} UTC.")

    def test_arguments(self, parser: CommandParser) -> None:
        """Arguments of `test`."""
        parser.add_argument("channel", help="Its name, or ALERT_EMAILS for the addresses of the settings.")

    def do_test(self, channel: str, **_: Any) -> None:
        """Send a test to a channel, with whatever else is due, and say whether it arrived."""
        row = AlertChannel.objects.filter(name=channel).first()
        if row is None and channel != OF_SETTINGS:
            names = ", ".join([*AlertChannel.objects.values_list("name", flat=True), OF_SETTINGS])
            raise CommandError(f"There is no channel {channel!r}. There are: {names}.")
        try:
            message = alert_channels.send_test(channel=row, actor=ACTOR)
        except ChannelRefusedError as error:
            raise CommandError(str(error)) from error
        outbox.send_due(channel=message.Channel(message.channel))
        message.refresh_from_db()
        if message.sent_at is None:
            raise CommandError(f"It has not arrived yet: {message.last_error or 'other messages come first'}")
        self.say(f"A test arrived at {message.recipient}.")
