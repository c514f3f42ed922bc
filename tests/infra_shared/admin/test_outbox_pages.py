"""The outbox in the console: failed mail is visible, with why, and can be sent again or dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from infra_shared.models import AlertChannel, AuditLine, OutboxMessage
from infra_shared.services import alerts
from infra_shared.services.alerts import Seen
from infra_shared.services.outbox import About, enqueue_mail, enqueue_webhook
from tests.support.operators import in_role

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from django.test import Client

pytestmark = pytest.mark.django_db
OUTBOX = "/admin/infra_shared/outboxmessage/"
FAILED = f"{OUTBOX}?state__exact=failed"
REFUSED = "The mail server refused: 550 No such user (anna@example.org)."
OF_EVERY_PAGE = 4
"""Session, operator, the operator's reach, and what is paused."""


def failed_mail(subject: str = "Hello", text: str = "Text", **about: Any) -> OutboxMessage:
    """A mail that was refused for good; about nothing unless its purpose says otherwise."""
    message = enqueue_mail(
        recipients=["anna@example.org"], subject=subject, body_text=text, about=About(**about)
    )
    tries = [{"at": timezone.now().isoformat(), "error": REFUSED}]
    fail = {"state": "failed", "next_attempt_at": None, "attempts": 1, "last_error": REFUSED, "tries": tries}
    OutboxMessage.objects.filter(pk=message.pk).update(**fail)
    message.refresh_from_db()
    return message


def page_of(message: OutboxMessage, name: str = "change") -> str:
    return f"{OUTBOX}{message.pk}/{name}/"


def state_of(message: OutboxMessage) -> str:
    return OutboxMessage.objects.values_list("state", flat=True).get(pk=message.pk)


@pytest.fixture
def told(settings: Any) -> OutboxMessage:
    """A failed mail about an alert, which was seen in a run."""
    settings.PUBLIC_URL = "https://console.example"
    channel = AlertChannel.objects.create(name="On call", kind="email", place="anna@example.org")
    seen = Seen(ref="7", link="https://console.example/admin/runs/run/7/change/")
    row = alerts.alert(key="failure:7", title="Invoices fail", text="<b>Not</b> found.", seen=seen)
    OutboxMessage.objects.all().delete()
    return failed_mail(
        "[warning] Invoices fail", row.text, purpose=OutboxMessage.Purpose.OPENED, alert=row, channel=channel
    )


def test_failed_mail_that_belongs_to_no_alert_is_listed_with_its_reason(console: Client) -> None:
    first = failed_mail("The first")
    failed_mail("The second")
    enqueue_mail(recipients=["berta@example.org"], subject="On its way", body_text="Text")

    text = console.get(FAILED).text

    assert text.index("The second") < text.index("The first")
    assert "550 No such user" in text
    assert "On its way" not in text
    assert page_of(first) in text


def test_the_list_is_narrowed_by_time_channel_purpose_and_searched(
    console: Client, told: OutboxMessage
) -> None:
    old = failed_mail("An old one")
    OutboxMessage.objects.filter(pk=old.pk).update(created_at="2026-01-01T00:00Z")

    narrowed = [
        console.get(f"{OUTBOX}?{query}").text
        for query in ("written=7d", "purpose__exact=opened", "q=invoices", "channel__exact=email&q=fail")
    ]

    assert [("Invoices fail" in text, "An old one" in text) for text in narrowed] == [(True, False)] * 4


def test_the_page_of_a_message_says_each_try_and_leads_to_its_alert_run_and_channel(
    console: Client, told: OutboxMessage
) -> None:
    text = console.get(page_of(told)).text

    assert text.count("550 No such user") == 2  # what went wrong last, and the try
    assert f'href="/admin/infra_shared/alert/{told.alert_id}/change/"' in text
    assert f'href="/admin/infra_shared/alertchannel/{told.alert_channel_id}/change/"' in text
    assert 'href="/admin/runs/run/7/change/"' in text


def test_hostile_text_of_a_message_is_shown_as_text(console: Client, told: OutboxMessage) -> None:
    OutboxMessage.objects.update(body_text="<script>alert(1)</script>", last_error="<img src=x>")

    text = console.get(page_of(told)).text + console.get(OUTBOX).text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert(1)" not in text
    assert "<img src=x>" not in text


def test_a_mail_about_no_alert_is_for_its_recipient_alone(console: Client) -> None:
    invitation = failed_mail("An invitation", "Sign in by https://console.example/join/f3a9")

    text = console.get(page_of(invitation)).text

    assert "f3a9" not in text
    assert "shown to nobody else" in text


def test_the_body_of_a_webhook_is_shown_without_its_address_and_secret(console: Client) -> None:
    channel = AlertChannel.objects.create(
        name="Pager",
        kind="webhook",
        place="https://hooks.example/…",
        url="https://hooks.example/in?team=4711",
        secret="whsec_c2VjcmV0",
    )
    about = About(purpose=OutboxMessage.Purpose.TEST, channel=channel)
    message = enqueue_webhook(channel=channel, subject="A test", body='{"type": "alert.test"}', about=about)

    text = console.get(page_of(message)).text

    assert "alert.test" in text
    assert "4711" not in text
    assert "c2VjcmV0" not in text


def test_failed_mail_is_sent_again_by_an_operator_and_not_by_a_viewer() -> None:
    message = failed_mail()
    viewer, operator = in_role("Viewer"), in_role("Operator")
    path = page_of(message, "send-again")

    assert path not in viewer.get(page_of(message)).text
    assert viewer.post(path).status_code == 403
    assert path in operator.get(page_of(message)).text
    operator.get(path)
    assert state_of(message) == "failed"
    operator.post(path)

    assert state_of(message) == "pending"
    line = AuditLine.objects.get(action="message.send_again")
    assert (line.actor, line.object_id) == ("operator:operator", str(message.pk))


def test_what_nobody_needs_is_dropped_and_may_still_be_sent_again(console: Client) -> None:
    message = failed_mail()

    console.post(page_of(message, "drop"))
    dropped = state_of(message)
    console.post(page_of(message, "send-again"))

    assert (dropped, state_of(message)) == ("dropped", "pending")
    assert AuditLine.objects.filter(action="message.drop", object_id=str(message.pk)).exists()


@pytest.mark.parametrize(("page", "state"), [("send-again", "pending"), ("drop", "dropped")])
def test_all_failed_messages_the_list_shows_are_dealt_with_at_once(
    console: Client, page: str, state: str
) -> None:
    meant, other, fine = (
        failed_mail("Invoices fail"),
        failed_mail("The shop is closed"),
        failed_mail("Invoices"),
    )
    OutboxMessage.objects.filter(pk=fine.pk).update(state="sent", sent_at=timezone.now())
    path = f"{OUTBOX}{page}/?state__exact=failed&q=invoices"
    assert path.replace("&", "&amp;") in console.get(f"{FAILED}&q=invoices").text

    asked = console.get(path).text
    assert state_of(meant) == "failed"
    console.post(path)

    assert "1 failed message would be" in asked
    assert [state_of(message) for message in (meant, other, fine)] == [state, "failed", "sent"]
    assert [line.object_id for line in AuditLine.objects.all()] == [str(meant.pk)]


def test_a_filter_there_is_not_sends_nothing_again(console: Client) -> None:
    message = failed_mail()

    answer = console.post(f"{OUTBOX}send-again/?state__exact=failed&id__gt=none")

    assert answer.status_code in (302, 400)
    assert state_of(message) == "failed"


def test_the_outbox_is_not_there_for_who_does_not_reach_every_customer() -> None:
    message = failed_mail()
    partly = in_role("Admin", customers=["main"])

    paths = [OUTBOX, page_of(message), f"{OUTBOX}send-again/", f"{OUTBOX}drop/"]
    answers = [partly.get(path).status_code for path in paths]
    answers += [partly.post(page_of(message, name)).status_code for name in ("send-again", "drop")]

    assert answers == [403] * 6
    assert OUTBOX not in partly.get("/admin/").text
    assert state_of(message) == "failed"


def test_the_overview_leads_to_failed_mail_while_there_is_any(console: Client) -> None:
    link = FAILED.replace(OUTBOX, f'href="{OUTBOX}')
    assert link not in console.get("/admin/").text

    message = failed_mail()
    assert link in console.get("/admin/").text
    console.post(page_of(message, "drop"))

    assert link not in console.get("/admin/").text


def test_the_list_asks_the_database_as_often_for_many_messages_as_for_few(
    console: Client,
    told: OutboxMessage,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    for number in range(3):
        channel = AlertChannel.objects.create(name=f"Channel {number}", kind="email", place="a@example.org")
        failed_mail(purpose=OutboxMessage.Purpose.TEST, channel=channel)

    with django_assert_max_num_queries(6 + OF_EVERY_PAGE):
        answer = console.get(OUTBOX)

    assert "Channel 2" in answer.text


def test_an_empty_outbox_says_what_will_stand_there(console: Client) -> None:
    assert "What is told of alerts" in console.get(OUTBOX).text
