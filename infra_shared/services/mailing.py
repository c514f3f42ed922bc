"""Sending one message of the outbox as a mail, within a time, and saying whom the server refused."""

from __future__ import annotations

from email.mime.image import MIMEImage
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from infra_shared.bounded import TookTooLongError, call_within
from infra_shared.mail_backend import EmailBackend
from infra_shared.mail_headers import MACHINE_HEADERS, content_id, message_id, thread_headers
from infra_shared.mail_words import PICTURE_PLACE, with_picture
from infra_shared.pictures import picture_of

if TYPE_CHECKING:
    from django.core.mail.backends.base import BaseEmailBackend

    from infra_shared.mail_backend import Refusals
    from infra_shared.models import OutboxMessage

MAIL_SECONDS = 25.0
"""EMAIL_TIMEOUT bounds each answer of the server, this the whole: a server may drip for ever."""
_log = structlog.get_logger(__name__)
_SMTP = "django.core.mail.backends.smtp.EmailBackend"


def send_mail(message: OutboxMessage) -> Refusals:
    """Send it; returns the recipients the server refused while it took the others.

    Raises what the backend raises, SMTPRecipientsRefused when nobody was taken, TookTooLongError after MAIL_SECONDS.
    """
    connection = _connection()
    mail = _composed(message, connection)
    try:
        call_within(MAIL_SECONDS, mail.send)
    except TookTooLongError:
        if isinstance(connection, EmailBackend):
            connection.abort()  # ends the thread that waits for it, which must not deliver it later
        raise
    return connection.refused if isinstance(connection, EmailBackend) else {}


def _connection() -> BaseEmailBackend:
    # Where settings name Django's SMTP backend, ours is meant: it speaks the same, and hides no refusal.
    return EmailBackend() if settings.EMAIL_BACKEND == _SMTP else get_connection()


def _composed(message: OutboxMessage, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    sender = settings.DEFAULT_FROM_EMAIL
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.body_text,
        to=message.addresses,
        headers={
            "Message-ID": message_id(message.pk, message.created_at, sender=sender),
            **thread_headers(message.alert_id, sender=sender),
            **MACHINE_HEADERS,
        },
        connection=connection,
    )
    if message.body_html:
        _attach_html(mail, message, sender)
    return mail


def _attach_html(mail: EmailMultiAlternatives, message: OutboxMessage, sender: str) -> None:
    picture = _picture(message) if PICTURE_PLACE in message.body_html else None
    name = content_id(message.pk, sender=sender) if picture is not None else ""
    mail.attach_alternative(with_picture(message.body_html, content_id=name), "text/html")
    if picture is not None:
        part = MIMEImage(picture, "jpeg")
        part.add_header("Content-ID", f"<{name}>")
        part.add_header("Content-Disposition", "inline", filename="what-it-saw.jpg")
        mail.mixed_subtype = "related"  # beside the two forms, for the HTML to show
        mail.attach(part)


def _picture(message: OutboxMessage) -> bytes | None:
    try:
        return picture_of(message.seen_ref)
    except Exception as error:  # noqa: BLE001 - a broken file or a store that is away must not keep a mail back
        _log.warning("mail_picture_left_out", message_id=message.pk, error=f"{type(error).__name__}: {error}")
        return None
