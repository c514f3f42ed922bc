"""Each try of a message is remembered, in words; what failed is sent again or dropped, by a service and a command."""

from __future__ import annotations

import json
import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from infra_shared.http.post import PostError
from infra_shared.mail_errors import in_words
from infra_shared.models import AuditLine, OutboxMessage
from infra_shared.services import outbox, undelivered
from infra_shared.services.outbox import SendReport, enqueue_mail, send_due

if TYPE_CHECKING:
    from infra_shared.mail_backend import Refusals

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GONE = smtplib.SMTPRecipientsRefused({"anna@example.org": (550, b"No such user")})
ACTOR = "operator:anna"


def _mail(count: int = 1) -> list[OutboxMessage]:
    return [
        enqueue_mail(recipients=["anna@example.org"], subject=f"Mail {number}", body_text="Text", now=NOW)
        for number in range(count)
    ]


def _fail() -> None:
    OutboxMessage.objects.update(state="failed", next_attempt_at=None, last_error="No such user")


def _states() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What the mail server says to one mail after the other; it takes those after the last answer."""
    told: list[Exception] = []

    def send(_message: OutboxMessage) -> Refusals:
        if told:
            raise told.pop(0)
        return {}

    monkeypatch.setattr(outbox, "send_mail", send)
    return told


@pytest.mark.django_db
def test_each_try_of_a_message_is_remembered_also_when_it_is_sent_again(answers: list[Exception]) -> None:
    [message] = _mail()
    answers[:] = [ConnectionRefusedError("to smtp://u:hunter2@relay"), GONE]

    send_due(now=lambda: NOW)
    send_due(now=lambda: NOW + timedelta(minutes=2))
    undelivered.send_again(message=message, actor=ACTOR, now=NOW + timedelta(hours=1))
    assert send_due(now=lambda: NOW + timedelta(hours=1)) == SendReport(sent=1)

    message.refresh_from_db()
    away, gone, sent = [one["error"] for one in message.tries]
    assert "could not be reached" in away
    assert "hunter2" not in away
    assert "550 No such user" in gone
    assert sent == ""
    assert [datetime.fromisoformat(one["at"]) - NOW for one in message.tries][1:] == [
        timedelta(minutes=2),
        timedelta(hours=1),
    ]


@pytest.mark.django_db
def test_a_dropped_message_is_sent_no_more_until_somebody_sends_it_again(answers: list[Exception]) -> None:
    [message] = _mail()

    assert undelivered.drop(message=message, actor=ACTOR)
    assert not undelivered.drop(message=message, actor=ACTOR)
    assert send_due(now=lambda: NOW) == SendReport()
    assert undelivered.send_again(message=message, actor=ACTOR, now=NOW)

    assert send_due(now=lambda: NOW) == SendReport(sent=1)
    assert not undelivered.drop(message=message, actor=ACTOR)


@pytest.mark.django_db
def test_the_oldest_failed_messages_are_sent_again_a_portion_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(undelivered, "MOST_AT_ONCE", 2)
    _mail(3)
    _fail()

    assert undelivered.send_failed_again(messages=OutboxMessage.objects.all(), actor=ACTOR) == 2
    assert _states() == ["pending", "pending", "failed"]
    assert undelivered.send_failed_again(messages=OutboxMessage.objects.all(), actor=ACTOR) == 1
    assert AuditLine.objects.filter(action="message.send_again", actor=ACTOR).count() == 3


@pytest.mark.django_db
def test_what_somebody_dropped_meanwhile_is_not_sent_again_with_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dropped, failed = _mail(2)
    _fail()
    undelivered.drop(message=dropped, actor=ACTOR)
    # As another transaction would have read them, a moment before.
    monkeypatch.setattr(undelivered, "_oldest_failed", lambda _rows: [dropped.pk, failed.pk])

    assert undelivered.send_failed_again(messages=OutboxMessage.objects.all(), actor=ACTOR) == 1

    assert _states() == ["dropped", "pending"]


@pytest.mark.django_db
def test_the_command_lists_failed_mail_and_sends_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = _mail(2)
    call_command("mail", "list", "--failed")
    assert "No message failed." in capsys.readouterr().out
    _fail()

    call_command("mail", "list", "--failed", "--json")
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [row["last_error"] for row in rows] == ["No such user"] * 2
    assert not [row for row in rows if "body_text" in row]
    call_command("mail", "resend", str(first.pk))
    assert _states() == ["pending", "failed"]
    call_command("mail", "resend", "--failed")

    assert _states() == ["pending", "pending"]
    assert {line.actor for line in AuditLine.objects.all()} == {"command"}


@pytest.mark.django_db
def test_the_command_drops_mail_and_says_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undelivered, "MOST_AT_ONCE", 1)
    _mail(3)
    _fail()

    call_command("mail", "drop", "--failed")

    assert _states() == ["dropped"] * 3
    for words, complaint in (
        (("drop", "--failed"), "No message failed"),
        (("drop", str(OutboxMessage.objects.latest("pk").pk)), "neither waits nor failed"),
        (("resend", "0"), "There is no message 0"),
        (("resend",), "required"),
    ):
        with pytest.raises(CommandError, match=complaint):
            call_command("mail", *words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (GONE, "The mail server refused: 550 No such user (anna@example.org)."),
        (
            smtplib.SMTPAuthenticationError(535, b"5.7.8 wrong\r\n"),
            "The mail server refused the sign-in: 535 5.7.8 wrong.",
        ),
        (smtplib.SMTPDataError(451, b"Try\nlater."), "The mail server answered: 451 Try later."),
        (smtplib.SMTPServerDisconnected("timed out"), "The mail server broke off: timed out."),
        (
            smtplib.SMTPNotSupportedError("No STARTTLS"),
            "The mail server and this one cannot agree: No STARTTLS.",
        ),
        (ssl.SSLError(1, "expired"), "The connection to the mail server could not be encrypted: expired."),
        (TimeoutError(), "The mail server could not be reached: TimeoutError."),
        (ValueError("a newline"), "It could not be sent: ValueError: a newline."),
        (PostError("The receiver answered 410.", permanent=True), "The receiver answered 410."),
    ],
)
def test_what_went_wrong_is_said_in_words(error: Exception, words: str) -> None:
    assert in_words(error) == words
