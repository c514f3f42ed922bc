"""Alerts and their channels in the console: what is shown, to whom, and what may be done."""

from __future__ import annotations

import re
from smtplib import SMTPDataError
from typing import TYPE_CHECKING, Any

import pytest

from automations.models import Customer
from infra_shared.models import Alert, AlertChannel, AuditLine, OutboxMessage
from infra_shared.services import outbox
from infra_shared.services.outbox import send_due
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

    from infra_shared.mail_backend import Refusals
    from tests.support.receivers import WebhookReceiver
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
CHANNELS = "/admin/infra_shared/alertchannel/"
NEW = {"name": "Pager", "kind": "webhook", "tells_recovery": "on", "is_on": "on"}


@pytest.fixture
def failure(runs_factory: RunsFactory) -> Alert:
    """The alert of a run that failed, told to one mailbox."""
    AlertChannel.objects.create(name="ops", kind="email", place="ops@example.org")
    runs_factory.failed()
    return Alert.objects.get(rule="failure")


def page_of(row: Alert, name: str = "change") -> str:
    return f"/admin/infra_shared/alert/{row.pk}/{name}/"


def test_the_page_leads_to_the_failures_and_says_who_was_told(console: Client, failure: Alert) -> None:
    text = console.get(page_of(failure)).text

    assert f'href="/admin/runs/failurefamily/{failure.subject}/change/"' in text
    assert "ops" in text
    assert page_of(failure) in console.get("/admin/").text


def test_an_operator_takes_an_alert_on_and_a_viewer_may_not(failure: Alert) -> None:
    viewer, operator = in_role("Viewer"), in_role("Operator")
    path = page_of(failure, "acknowledge")

    assert path not in viewer.get(page_of(failure)).text
    assert viewer.post(path, {"note": "no"}).status_code == 403
    operator.post(path, {"note": "The shop changed its menu."})

    assert "The shop changed its menu." in viewer.get(page_of(failure)).text
    assert AuditLine.objects.get(action="alert.acknowledge").actor == "operator:operator"


def test_a_mute_needs_a_reason_and_is_ended_by_a_button(console: Client, failure: Alert) -> None:
    assert console.post(page_of(failure, "mute"), {"hours": "24", "reason": ""}).status_code == 422
    console.post(page_of(failure, "mute"), {"hours": "24", "reason": "Known until Monday."})
    assert "Known until Monday." in console.get(page_of(failure)).text

    console.post(page_of(failure, "unmute"))

    failure.refresh_from_db()
    assert failure.muted_until is None


def test_a_message_that_failed_is_shown_with_its_reason_and_sent_again(
    console: Client, failure: Alert
) -> None:
    OutboxMessage.objects.update(state="failed", next_attempt_at=None, last_error="550 no such user")
    message = failure.deliveries.get()
    path = page_of(failure, f"send-again/{message.pk}")
    text = console.get(page_of(failure)).text
    assert "550 no such user" in text
    assert path in text

    console.post(path)

    message.refresh_from_db()
    assert message.state == "pending"


def test_what_belongs_to_another_customer_or_to_the_system_is_not_there(failure: Alert) -> None:
    Customer.objects.create(key="acme", name="Acme Logistics")
    stranger = in_role("Operator", customers=["acme"])
    own = in_role("Operator", customers=["main"], name="own")

    paths = [page_of(failure, name) for name in ("change", "acknowledge", "mute")]

    assert [stranger.get(path).status_code for path in paths] == [404] * 3
    assert failure.title not in stranger.get("/admin/infra_shared/alert/").text
    assert "ops" not in own.get(page_of(failure)).text
    assert own.get(CHANNELS).status_code == 403


def test_a_channel_is_made_its_secret_shown_once_and_a_test_arrives(
    console: Client, webhook_receiver: WebhookReceiver, settings: object
) -> None:
    settings.ALERT_ALLOW_PRIVATE = [webhook_receiver.place]  # type: ignore[attr-defined]  # pytest-django's settings

    made = console.post(f"{CHANNELS}new/", {**NEW, "url": webhook_receiver.url})

    secret = re.search(r"whsec_[\w+/=]+", made.text)
    assert secret is not None
    assert "no-store" in made.headers["Cache-Control"]
    channel = AlertChannel.objects.get()
    for path in (f"{CHANNELS}{channel.pk}/change/", f"{CHANNELS}{channel.pk}/edit/"):
        text = console.get(path).text
        assert secret[0] not in text
        assert "team=ops" not in text
    console.post(f"{CHANNELS}{channel.pk}/test/")
    send_due(channel=OutboxMessage.Channel.WEBHOOK)
    assert b"This is a test" in webhook_receiver.posts[0].body


def test_a_private_address_is_refused_beside_its_field(console: Client) -> None:
    answer = console.post(f"{CHANNELS}new/", {**NEW, "url": "https://169.254.169.254/latest"})

    assert answer.status_code == 422
    assert "never opened" in answer.text
    assert not AlertChannel.objects.exists()


def test_changing_a_channel_keeps_its_address_and_says_what_it_takes(console: Client, failure: Alert) -> None:
    channel = AlertChannel.objects.get()
    changed = {"name": "ops", "addresses": "ops@example.org", "rules": ["queue"], "is_on": "on"}

    console.post(f"{CHANNELS}{channel.pk}/edit/", changed)

    channel.refresh_from_db()
    assert (channel.place, channel.rules, channel.tells_recovery) == ("ops@example.org", ["queue"], False)


def test_the_overview_says_that_nobody_is_told_and_later_that_canaries_are_overdue(console: Client) -> None:
    assert "Alerts are told to nobody" in console.get("/admin/").text

    AlertChannel.objects.create(
        name="ops", kind="email", place="ops@example.org", created_at="2026-01-01T00:00Z"
    )

    assert "overdue" in console.get("/admin/").text


def test_a_digest_that_failed_is_seen_and_sent_again_from_the_page_of_each_alert_in_it(
    console: Client, runs_factory: RunsFactory, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALERT_EMAILS, settings.MAIL_BURST = ["ops@example.org"], 1
    runs_factory.failed("The shop is closed.")
    runs_factory.failed("The cart is empty.")

    def refuse(_message: OutboxMessage) -> Refusals:
        raise SMTPDataError(550, b"Too much mail")

    with monkeypatch.context() as refusing:
        refusing.setattr(outbox, "send_mail", refuse)
        send_due()
    digest = OutboxMessage.objects.get(purpose="digest")
    page = page_of(Alert.objects.of_rules("failure")[0])
    text = console.get(page).text
    assert "digest failed" in text
    assert "Too much mail" in text

    console.post(page.replace("change/", f"send-again/{digest.pk}/"))
    digest.refresh_from_db()
    assert digest.state == "pending"
    assert "in a digest" in console.get(page).text
