"""Alerts reach real receivers, signed, once, again after an outage, and never inside the own network."""

from __future__ import annotations

import email
import ipaddress
import json
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from infra_shared import public_addresses
from infra_shared.http import post as posting
from infra_shared.http.post import PostError, complaint_about_url, post
from infra_shared.models import Alert, AlertChannel, OutboxMessage
from infra_shared.services import alert_channels
from infra_shared.services.alert_channels import ChannelInput, ChannelRefusedError
from infra_shared.services.alerts import alert
from infra_shared.services.outbox import SendReport, send_due
from infra_shared.services.undelivered import send_again

Kind, WEBHOOK = AlertChannel.Kind, OutboxMessage.Channel.WEBHOOK
pytestmark = pytest.mark.django_db


@pytest.fixture
def hooked(webhook_receiver, settings):
    """A signed webhook to a receiver on this machine: the receiver, the channel, and the secret."""
    settings.ALERT_ALLOW_PRIVATE = [webhook_receiver.place]
    wanted = ChannelInput(name="pager", kind=Kind.WEBHOOK, url=webhook_receiver.url)
    channel, secret = alert_channels.add_channel(wanted=wanted, actor="operator:anna")
    return webhook_receiver, channel, secret


def _alert(**fields: str) -> Alert:
    words = {"key": "failure:7", "title": "Invoices: failed", "text": "Two <things> fit.", **fields}
    return alert(**words)  # type: ignore[arg-type]  # texts alone are given


def _send(later: timedelta = timedelta(0)) -> SendReport:
    return send_due(channel=WEBHOOK, now=lambda: timezone.now() + later)


def test_a_webhook_arrives_signed_so_that_the_library_accepts_it(hooked):
    receiver, _channel, secret = hooked
    row = _alert(customer="acme")

    assert _send() == SendReport(sent=1)

    [got] = receiver.posts
    told = Webhook(secret).verify(got.body, got.headers)
    assert (told["type"], told["data"]["key"], told["data"]["customer"]) == (
        "alert.opened",
        "failure:7",
        "acme",
    )
    assert told["data"]["page_url"].endswith(f"/admin/infra_shared/alert/{row.pk}/change/")
    assert got.path == "/hooks/alerts?team=ops"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body.replace(b"acme", b"main"), got.headers)


def test_a_receiver_in_trouble_is_tried_again_under_the_same_id(hooked):
    receiver, _channel, secret = hooked
    receiver.answers = [(500, {}), (429, {"Retry-After": "600"})]
    _alert()

    assert _send() == SendReport(postponed=1)
    assert _send() == SendReport()
    assert _send(timedelta(minutes=2)) == SendReport(postponed=1)
    message = OutboxMessage.objects.get()
    assert "answered 429" in message.last_error
    assert message.next_attempt_at is not None
    assert message.next_attempt_at > timezone.now() + timedelta(minutes=11)
    assert _send(timedelta(minutes=15)) == SendReport(sent=1)

    assert len({got.headers["webhook-id"] for got in receiver.posts}) == 1
    Webhook(secret).verify(receiver.posts[0].body, receiver.posts[0].headers)


def test_a_receiver_that_is_gone_for_good_is_given_up_and_can_be_sent_again(hooked):
    receiver, _channel, _secret = hooked
    receiver.answers = [(410, {})]
    _alert()

    assert _send() == SendReport(failed=1)
    message = OutboxMessage.objects.get()
    assert send_again(message=message, actor="operator:anna")
    assert not send_again(message=message, actor="operator:anna")
    assert _send() == SendReport(sent=1)


def test_a_slow_receiver_is_left_and_keeps_no_mail_back(hooked, mailbox, settings, monkeypatch):
    receiver, _channel, _secret = hooked
    settings.ALERT_EMAILS = ["anna@example.org"]
    receiver.hold.clear()
    monkeypatch.setattr(posting.post, "__kwdefaults__", {"seconds": 0.3})
    _alert()

    assert _send() == SendReport(postponed=1)
    assert send_due() == SendReport(sent=1)

    assert "did not answer within 0.3 seconds" in OutboxMessage.objects.get(channel=WEBHOOK).last_error
    assert len(mailbox.mails) == 1


def test_ssrf_a_redirect_is_not_followed(hooked):
    receiver, _channel, _secret = hooked
    receiver.answers = [(302, {"Location": receiver.url})]
    _alert()

    assert _send() == SendReport(postponed=1)
    assert len(receiver.posts) == 1
    assert "not followed" in OutboxMessage.objects.get().last_error


def test_slack_gets_a_line_of_its_own_form(webhook_receiver, settings):
    settings.ALERT_ALLOW_PRIVATE = [webhook_receiver.place]
    wanted = ChannelInput(name="chat", kind=Kind.SLACK, url=webhook_receiver.url)
    alert_channels.add_channel(wanted=wanted, actor="operator:anna")
    _alert()

    _send()

    [got] = webhook_receiver.posts
    assert json.loads(got.body)["text"].startswith(
        "*[warning] Invoices: failed*\nTwo &lt;things&gt; fit.\n<http"
    )
    assert "webhook-signature" not in got.headers


def test_a_mail_arrives_over_smtp_once_the_relay_takes_it(mailbox, settings):
    settings.ALERT_EMAILS = ["anna@example.org", "ben@example.org"]
    mailbox.refuses = "451 Try later"
    _alert()

    assert send_due() == SendReport(postponed=1)
    mailbox.refuses = ""
    assert send_due(now=lambda: timezone.now() + timedelta(minutes=2)) == SendReport(sent=1)

    [raw] = mailbox.mails
    assert mailbox.recipients == [["anna@example.org", "ben@example.org"]]
    assert email.message_from_bytes(raw)["Subject"] == "[warning] Invoices: failed"


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_nothing_twice(hooked):
    receiver, _channel, _secret = hooked
    for number in range(12):
        _alert(key=f"failure:{number}")
    reports: list[SendReport] = []

    def sender() -> None:
        reports.append(_send())
        connections.close_all()

    threads = [threading.Thread(target=sender) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.sent for report in reports) == 12
    assert len({got.headers["webhook-id"] for got in receiver.posts}) == len(receiver.posts) == 12


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.8/hook",
        "https://127.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:127.0.0.1]/",
        "https://metadata.google.internal/",
        "http://hooks.example.org/",
        "https://anna:hunter2@hooks.example.org/",
        "https://hooks.example.org/a b",
        "ftp://hooks.example.org/",
        "https://",
    ],
)
def test_ssrf_an_address_no_alert_may_go_to_is_refused_when_it_is_entered(url):
    wanted = ChannelInput(name="bad", kind=Kind.SLACK, url=url)

    with pytest.raises(ChannelRefusedError) as refused:
        alert_channels.add_channel(wanted=wanted, actor="operator:anna")

    assert refused.value.field == "url"
    assert "hunter2" not in str(refused.value)
    assert not AlertChannel.objects.exists()


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"]])
def test_ssrf_a_name_that_leads_into_the_own_network_is_refused_when_it_is_posted_to(
    webhook_receiver, monkeypatch, answers
):
    private = f"https://hooks.example.org:{webhook_receiver.port}/"
    addresses = tuple(map(ipaddress.ip_address, answers))
    monkeypatch.setattr(posting, "addresses_of", lambda _host, _port: addresses)

    assert complaint_about_url(private, allowed=[]) == ""
    with pytest.raises(PostError, match="private or loopback address; to allow it, add hooks"):
        post(private, b"{}", {}, allowed=[])
    assert webhook_receiver.posts == []


def test_ssrf_a_name_is_resolved_once_and_connected_to_what_was_judged(webhook_receiver, monkeypatch):
    place = f"hooks.example.org:{webhook_receiver.port}"
    answers = [public_addresses.addresses_of("127.0.0.1", webhook_receiver.port)]
    monkeypatch.setattr(posting, "addresses_of", lambda _host, _port: answers.pop())

    post(f"http://{place}/", b"{}", {}, allowed=[place])

    assert len(webhook_receiver.posts) == 1
    assert answers == []


def test_ssrf_metadata_services_are_refused_even_where_a_setting_lists_them():
    assert "never opened" in complaint_about_url("http://169.254.169.254/", allowed=["169.254.169.254:80"])


def test_address_and_secret_are_stored_encrypted_and_shown_once(hooked):
    receiver, channel, secret = hooked
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT url, secret, place FROM infra_shared_alertchannel")
        url, stored, place = cursor.fetchone()

    assert secret not in stored
    assert "hooks" not in url
    assert place == f"http://{receiver.place}/…"
    assert alert_channels.replace_secret(channel=channel, actor="operator:anna") != secret


def test_what_waits_for_a_removed_channel_fails_and_says_so(hooked):
    _receiver, channel, _secret = hooked
    _alert()
    alert_channels.remove_channel(channel=channel, actor="operator:anna")

    assert _send() == SendReport(failed=1)
    assert "was removed" in OutboxMessage.objects.get().last_error


def test_a_canary_goes_to_each_channel_once_a_day_and_its_absence_shows(hooked, settings):
    receiver, _channel, _secret = hooked
    settings.ALERT_EMAILS = ["anna@example.org"]

    assert [state.is_overdue for state in alert_channels.canary_states()] == [False, True]
    assert alert_channels.send_canaries() == alert_channels.send_canaries() == 2
    receiver.answers = [(500, {})]
    _send()
    broken, mail = alert_channels.canary_states()
    assert (broken.arrived_at, mail.arrived_at) == (None, None)
    assert "answered 500" in broken.error
    _send(timedelta(minutes=2))
    send_due()

    assert OutboxMessage.objects.filter(purpose="canary").count() == 2
    assert [state.is_overdue for state in alert_channels.canary_states()] == [False, False]
    later = timezone.now() + timedelta(hours=27)
    assert [state.is_overdue for state in alert_channels.canary_states(now=later)] == [True, True]
