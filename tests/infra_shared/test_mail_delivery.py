"""Mail over a real SMTP server: one that refuses, stalls, drops, and demands a sign-in; sent once, in threads, readable."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme

from infra_shared import pictures
from infra_shared.mail_policy import MAX_ATTEMPTS
from infra_shared.models import AlertChannel, OutboxMessage
from infra_shared.services import mailing, outbox
from infra_shared.services.alerts import Seen, alert, close_alert
from infra_shared.services.outbox import SendReport, enqueue_mail, send_due
from tests.support.mail_relay import PASSWORD, USER, Relay, started_relay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def relay(settings) -> Iterator[Relay]:
    """A mail server that takes what anybody sends."""
    yield from started_relay(settings)


@pytest.fixture
def demanding(settings, tmp_path: Path, monkeypatch) -> Iterator[Relay]:
    """A mail server that demands STARTTLS and a sign-in, with a certificate this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = True, USER, PASSWORD
    yield from started_relay(settings, tls=context)


@pytest.fixture
def mailed(settings) -> None:
    """Anna is mailed every alert."""
    settings.ALERT_EMAILS = ["anna@example.org"]


def _mail(*recipients: str, subject: str = "Hello") -> OutboxMessage:
    return enqueue_mail(
        recipients=list(recipients) or ["anna@example.org"], subject=subject, body_text="Text", now=NOW
    )


def _send(later: timedelta = timedelta(0)) -> SendReport:
    return send_due(now=lambda: NOW + later)


def _alert(number: int = 7, **fields) -> None:
    words = {"key": f"failure:{number}", "title": f"Invoices {number}", "text": "Not found.", **fields}
    alert(now=NOW, **words)


def _part(mail: EmailMessage, kind: str) -> str:
    [found] = [part for part in mail.walk() if part.get_content_type() == kind]
    return str(found.get_content())


@pytest.mark.parametrize(
    ("answer", "state", "report"),
    [
        ("550 No such user here", "failed", SendReport(failed=1)),
        ("451 Try again later", "pending", SendReport(postponed=1)),
    ],
)
def test_what_a_server_refuses_is_given_up_or_tried_again_and_its_words_are_kept(
    relay, answer, state, report
):
    message = _mail()
    relay.answers = [answer]

    assert _send() == report

    message.refresh_from_db()
    assert (message.state, relay.mails) == (state, [])
    assert answer[4:] in message.last_error
    assert _send(2 * MINUTE) == SendReport(sent=int(state == "pending"))


def test_a_server_that_stalls_is_left_in_time_and_keeps_no_other_mail_back(relay, settings):
    settings.EMAIL_TIMEOUT = 0.3
    stalled, fine = _mail("a@example.org"), _mail("b@example.org")
    relay.answers = ["stall"]

    assert _send() == SendReport(sent=1, postponed=1)

    stalled.refresh_from_db()
    fine.refresh_from_db()
    assert (stalled.state, fine.state) == ("pending", "sent")
    assert "timed out" in stalled.last_error


def test_a_server_that_stalls_without_a_time_limit_is_cut_off(relay, settings, monkeypatch):
    settings.EMAIL_TIMEOUT = None
    monkeypatch.setattr(mailing, "MAIL_SECONDS", 0.3)
    message = _mail()
    relay.answers = ["stall"]

    assert _send() == SendReport(postponed=1)

    message.refresh_from_db()
    assert "did not end within 0.3 seconds" in message.last_error


def test_a_server_that_drops_the_connection_gets_the_mail_again(relay):
    _mail()
    relay.answers = ["drop"]

    assert _send() == SendReport(postponed=1)
    assert _send(2 * MINUTE) == SendReport(sent=1)
    assert len(relay.mails) == 1


def test_a_server_that_took_the_mail_and_drops_gets_it_again_under_the_same_id(relay):
    _mail()
    relay.answers = ["keep and drop"]

    assert _send() == SendReport(postponed=1)
    assert _send(2 * MINUTE) == SendReport(sent=1)

    first, second = relay.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_a_crash_between_sending_and_marking_repeats_the_mail_once_under_the_same_id(relay, monkeypatch):
    _mail()

    def die(*_args: object, **_fields: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashed:
        crashed.setattr(outbox, "_mark", die)
        with pytest.raises(KeyboardInterrupt):
            _send()

    assert _send(4 * MINUTE) == SendReport()
    assert _send(5 * MINUTE) == SendReport(sent=1)
    assert _send(60 * MINUTE) == SendReport()
    first, second = relay.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_a_mail_that_takes_down_each_of_its_senders_is_given_up(monkeypatch):
    message = _mail()

    def die(_message: OutboxMessage) -> dict[str, tuple[int, bytes]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(outbox, "send_mail", die)
    for number in range(MAX_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            _send(number * 10 * MINUTE)

    assert _send(MAX_ATTEMPTS * 10 * MINUTE) == SendReport()
    message.refresh_from_db()
    assert message.state == "failed"
    assert "Each time its sender ended" in message.last_error


def test_whom_the_server_refused_alone_gets_a_message_of_their_own(relay):
    relay.refuses = {"gone@example.org": "550 No such user", "busy@example.org": "450 Mailbox busy"}
    _mail("anna@example.org", "gone@example.org", "busy@example.org")

    assert _send() == SendReport(sent=1)
    relay.refuses = {}
    assert _send(2 * MINUTE) == SendReport(sent=1)

    assert relay.recipients == [["anna@example.org"], ["busy@example.org"]]
    states = dict(OutboxMessage.objects.values_list("recipient", "state"))
    assert states == {
        "anna@example.org": "sent",
        "gone@example.org": "failed",
        "busy@example.org": "sent",
    }
    assert "No such user" in OutboxMessage.objects.get(state="failed").last_error


def test_a_server_that_demands_starttls_and_a_sign_in_gets_both(demanding):
    _mail()

    assert _send() == SendReport(sent=1)
    assert len(demanding.mails) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"EMAIL_HOST_PASSWORD": "wrong-9d2e"}, "Authentication credentials invalid"),
        ({"EMAIL_USE_TLS": False, "EMAIL_HOST_USER": ""}, "STARTTLS"),
    ],
)
def test_a_wrong_setting_is_told_without_the_password_and_mended_later(demanding, settings, wrong, words):
    message = _mail()
    right = {name: getattr(settings, name) for name in wrong}
    for name, value in wrong.items():
        setattr(settings, name, value)

    assert _send() == SendReport(postponed=1)
    message.refresh_from_db()
    assert words in message.last_error
    assert "wrong-9d2e" not in message.last_error

    for name, value in right.items():
        setattr(settings, name, value)
    assert _send(2 * MINUTE) == SendReport(sent=1)


def test_a_subject_with_line_breaks_cannot_add_a_header_or_a_recipient(relay):
    _mail(subject="Hello\r\nBcc: eve@example.org\r\n\r\nBody")

    assert _send() == SendReport(sent=1)

    [mail] = relay.mails
    assert mail["Subject"] == "Hello Bcc: eve@example.org Body"
    assert mail["Bcc"] is None
    assert relay.recipients == [["anna@example.org"]]


def test_a_recipient_with_a_line_break_is_refused_for_good(relay):
    _mail("anna@example.org\r\nBcc: eve@example.org")

    assert _send() == SendReport(failed=1)
    assert relay.mails == []


def test_the_messages_of_one_alert_are_one_thread_and_say_that_a_machine_wrote_them(relay, mailed):
    _alert(7)
    _alert(8)
    close_alert(key="failure:7", reason="It succeeds again.", now=NOW + MINUTE)

    assert _send(2 * MINUTE) == SendReport(sent=3)

    opened, other, over = relay.mails
    assert opened["References"] == over["References"] != other["References"]
    assert len({mail["Message-ID"] for mail in relay.mails}) == 3
    assert {mail["Auto-Submitted"] for mail in relay.mails} == {"auto-generated"}


def test_an_alert_is_mailed_in_text_and_html_with_what_to_do_and_nothing_in_it_is_markup(relay, mailed):
    seen = Seen("run-1", "https://console.example/run/1")
    _alert(text="<img src=x onerror=alert(1)> & more", advice="Call <Anna>.", seen=seen)

    _send()

    [mail] = relay.mails
    text, html = _part(mail, "text/plain"), _part(mail, "text/html")
    assert "<img src=x onerror=alert(1)> & more" in text
    assert "What to do: Call <Anna>." in text
    assert "What it saw: https://console.example/run/1" in text
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; more" in html
    assert "Call &lt;Anna&gt;." in html
    assert "<img" not in html
    assert 'href="https://console.example/run/1"' in html
    assert "prefers-color-scheme: dark" in html


def test_what_was_seen_stands_in_the_mail_itself(relay, mailed, monkeypatch):
    monkeypatch.setattr(pictures, "_sources", [lambda reference: f"jpeg of {reference}".encode()])
    _alert(seen=Seen("run-1", ""), text="Forged: <!-- picture -->")

    _send()

    [mail] = relay.mails
    [picture] = [part for part in mail.walk() if part.get_content_type() == "image/jpeg"]
    assert picture.get_content() == b"jpeg of run-1"
    assert picture.get_content_disposition() == "inline"
    name = picture["Content-ID"].strip("<>")
    assert _part(mail, "text/html").count(f'src="cid:{name}"') == 1
    assert mail.get_content_type() == "multipart/related"


def test_a_picture_that_cannot_be_read_keeps_no_mail_back(relay, mailed, monkeypatch):
    def broken(_reference: str) -> bytes:
        raise SyntaxError("broken PNG file")

    monkeypatch.setattr(pictures, "_sources", [broken])
    _alert(seen=Seen("run-1", ""))

    assert _send() == SendReport(sent=1)
    assert relay.mails[0].get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("is_wanted", [True, False])
def test_a_mail_without_a_picture_has_no_empty_frame(relay, mailed, settings, monkeypatch, is_wanted):
    settings.MAIL_PICTURES = is_wanted
    monkeypatch.setattr(pictures, "_sources", [lambda _reference: None if is_wanted else b"jpeg"])
    _alert(seen=Seen("run-1", ""))

    _send()

    [mail] = relay.mails
    assert mail.get_content_type() == "multipart/alternative"
    assert "cid:" not in _part(mail, "text/html")


def test_a_burst_becomes_one_digest_that_says_how_many(relay, mailed, settings):
    settings.MAIL_BURST = 5
    for number in range(60):
        _alert(number, severity="critical" if number == 30 else "warning")

    assert _send() == SendReport(sent=1)

    [mail] = relay.mails
    assert mail["Subject"] == "[critical] 60 alerts in a short time"
    html = _part(mail, "text/html")
    assert html.count("<li") == 40
    assert "And 20 more." in html
    assert "- [warning] Invoices 0" in _part(mail, "text/plain")
    assert OutboxMessage.objects.filter(state="folded", digest__purpose="digest").count() == 60


def test_few_alerts_are_mailed_one_by_one(relay, mailed, settings):
    settings.MAIL_BURST = 5
    for number in range(5):
        _alert(number)

    assert _send() == SendReport(sent=5)


def test_after_a_digest_the_next_one_waits_and_stands_for_all_that_came_meanwhile(relay, mailed, settings):
    settings.MAIL_BURST = 2
    for number in range(3):
        _alert(number)
    _send()
    for number in range(3, 6):
        _alert(number)

    assert _send(MINUTE) == SendReport()
    assert _send(10 * MINUTE) == SendReport(sent=1)
    assert [mail["Subject"] for mail in relay.mails] == ["[warning] 3 alerts in a short time"] * 2


def test_a_recipient_named_by_several_channels_is_still_one_recipient(relay, mailed, settings):
    settings.MAIL_BURST = 5
    AlertChannel.objects.create(name="ops", kind="email", place="Anna@example.org, ben@example.org")
    for number in range(4):
        _alert(number)

    assert _send() == SendReport(sent=5)

    subjects = sorted(mail["Subject"] for mail in relay.mails)
    assert sum("4 alerts" in subject for subject in subjects) == 1


def test_a_burst_at_one_recipient_holds_nobody_else_back(relay, mailed, settings):
    settings.MAIL_BURST = 2
    AlertChannel.objects.create(name="one", kind="email", place="ben@example.org", rules=["queue"])
    for number in range(9):
        _alert(number)
    alert(key="queue:default", title="Stuck", text="No node.", now=NOW)

    _send()

    [to_ben] = [mail for mail in relay.mails if mail["To"] == "ben@example.org"]
    assert to_ben["Subject"] == "[warning] Stuck"


def test_a_digest_that_cannot_be_sent_is_tried_again_and_folds_nothing_twice(relay, mailed, settings):
    settings.MAIL_BURST = 2
    for number in range(4):
        _alert(number)
    relay.answers = ["451 Later"]

    assert _send() == SendReport(postponed=1)
    assert _send(2 * MINUTE) == SendReport(sent=1)
    assert OutboxMessage.objects.filter(purpose="digest").count() == 1
