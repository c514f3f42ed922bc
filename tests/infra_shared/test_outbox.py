"""Mail: written with its cause, sent once, tried again, given up, and never held back by a neighbour."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, transaction

from infra_shared.mail_policy import MAX_ATTEMPTS, next_attempt_at
from infra_shared.models import OutboxMessage
from infra_shared.services import outbox, undelivered
from infra_shared.services.outbox import SendReport, enqueue_mail, send_due

EMAIL = OutboxMessage.Channel.EMAIL
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


class MoodyBackend(EmailBackend):
    """A relay that refuses what is addressed to `refused@` and is down for `down@`."""

    def send_messages(self, messages):
        if "refused@" in messages[0].to[0]:
            raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: (550, b"no such user")})
        if "down@" in messages[0].to[0]:
            raise ConnectionRefusedError("connection to smtp://u:hunter2@relay refused")
        return super().send_messages(messages)


def _enqueue(recipient: str = "anna@example.org", **fields) -> OutboxMessage:
    return enqueue_mail(recipients=[recipient], subject="Hello\nthere", body_text="Text", now=NOW, **fields)


def _send(now: datetime = NOW, **options) -> SendReport:
    return send_due(now=lambda: now, **options)


def test_a_mail_goes_out_once_with_both_bodies():
    message = _enqueue(body_html="<p>Text</p>")

    assert _send() == SendReport(sent=1)
    assert _send() == SendReport()

    message.refresh_from_db()
    assert (message.state, message.attempts, message.sent_at) == ("sent", 1, NOW)
    [sent] = mail.outbox
    assert sent.to == ["anna@example.org"]
    assert sent.subject == "Hello there"
    assert isinstance(sent, EmailMultiAlternatives)
    assert sent.alternatives[0][0] == "<p>Text</p>"


def test_a_mail_is_written_only_if_its_cause_is():
    with transaction.atomic():
        _enqueue()
        transaction.set_rollback(True)

    assert not OutboxMessage.objects.exists()


def test_the_same_dedupe_key_makes_one_mail():
    assert _enqueue(dedupe_key="run-1-failed") == _enqueue(dedupe_key="run-1-failed")
    assert _enqueue() != _enqueue()


def test_one_bad_message_never_keeps_the_others_back(settings):
    settings.EMAIL_BACKEND = f"{__name__}.MoodyBackend"
    refused, down, fine = _enqueue("refused@x.org"), _enqueue("down@x.org"), _enqueue()

    assert _send() == SendReport(sent=1, postponed=1, failed=1)

    for message in (refused, down, fine):
        message.refresh_from_db()
    assert (refused.state, down.state, fine.state) == ("failed", "pending", "sent")
    assert "no such user" in refused.last_error
    assert down.next_attempt_at is not None
    assert timedelta(seconds=30) <= down.next_attempt_at - NOW <= timedelta(minutes=1)
    assert "hunter2" not in down.last_error


def test_a_message_is_given_up_after_the_last_attempt_and_can_be_sent_again(settings):
    settings.EMAIL_BACKEND = f"{__name__}.MoodyBackend"
    message = _enqueue("down@x.org")

    rounds = [_send(NOW + timedelta(hours=3 * number)) for number in range(MAX_ATTEMPTS)]

    assert [report.failed for report in rounds] == [0] * (MAX_ATTEMPTS - 1) + [1]
    assert undelivered.send_again(message=message, actor="operator:anna", now=NOW)
    assert not undelivered.send_again(message=message, actor="operator:anna", now=NOW)
    assert list(OutboxMessage.objects.due(NOW)) == [message]
    assert _send(NOW) == SendReport(postponed=1)  # with all its tries before it


def test_a_claimed_message_is_left_alone_until_its_sender_must_be_dead(monkeypatch):
    _enqueue()
    monkeypatch.setattr(outbox, "_send", lambda message, now: "sent")  # dies before the mark
    _send()
    monkeypatch.undo()

    assert _send(NOW + timedelta(minutes=4)) == SendReport()
    assert _send(NOW + timedelta(minutes=5)) == SendReport(sent=1)


def test_two_senders_never_claim_the_same_message():
    _enqueue()
    first = outbox._claim_next(EMAIL, NOW)

    assert first is not None
    assert outbox._claim_next(EMAIL, NOW) is None


def test_a_round_ends_at_its_limit_and_the_longest_waiting_goes_first():
    for name in ("a", "b", "c"):
        _enqueue(f"{name}@x.org")

    assert _send(limit=2) == SendReport(sent=2)
    assert [sent.to for sent in mail.outbox] == [["a@x.org"], ["b@x.org"]]


def test_pauses_grow_and_end():
    error = ConnectionRefusedError()
    pauses = [next_attempt_at(attempts=n, error=error, now=NOW, chance=0) for n in range(1, MAX_ATTEMPTS + 1)]

    assert pauses[-1] is None
    assert [(at - NOW).total_seconds() / 60 for at in pauses if at] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (smtplib.SMTPResponseException(451, b"try later"), True),
        (smtplib.SMTPResponseException(552, b"too large"), False),
        (smtplib.SMTPAuthenticationError(535, b"wrong password"), True),
        (smtplib.SMTPSenderRefused(530, b"Must issue STARTTLS first", "a@x.org"), True),
        (smtplib.SMTPRecipientsRefused({"a": (550, b"no"), "b": (450, b"busy")}), True),
        (TimeoutError(), True),
        (ValueError("a newline in a header"), False),
    ],
)
def test_what_the_relay_refused_for_good_is_not_repeated(error, again):
    assert (next_attempt_at(attempts=1, error=error, now=NOW, chance=0.5) is not None) == again


def test_the_database_refuses_a_state_without_what_it_implies():
    message = _enqueue()

    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxMessage.objects.filter(pk=message.pk).update(state="sent")
