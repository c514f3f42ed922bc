"""Whether the mail server takes this system's conversation; nothing is sent unless somebody asks for it."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage

from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.mail_backend import EmailBackend
from infra_shared.mail_headers import MACHINE_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.checkup import Finding

ADVICE = "Mend EMAIL_URL: smtp+tls://user:password@host:587, special characters percent-encoded."
SECONDS = 25.0
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_TOLD_CHARACTERS = 200
_OK = 250


def look() -> Iterator[Finding]:
    """Connect, encrypt and sign in as the settings say, and ask whether the server is there."""
    if settings.EMAIL_BACKEND != _SMTP:
        yield odd(
            "No mail leaves this system: EMAIL_URL names no SMTP server.", f"For alerts by mail: {ADVICE}"
        )
        return
    backend = EmailBackend()
    try:
        backend.open()
        assert backend.connection is not None  # open() raises otherwise
        code, _ = backend.connection.noop()
    except (smtplib.SMTPException, OSError) as error:
        yield bad(f"{_server()} cannot be used: {in_one_line(error)}", ADVICE)
        return
    finally:
        backend.close()
    if code != _OK:
        yield bad(f"{_server()} answered {code} to NOOP.", ADVICE)
        return
    yield good(f"{_server()} answers{_how()}; nothing was sent.")
    if not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL) and settings.EMAIL_HOST_PASSWORD:
        yield odd("The mail password goes over the network in clear.", "Use smtp+tls:// or smtp+ssl://.")


def send_one(address: str) -> Iterator[Finding]:
    """Send a mail to this address."""
    mail = EmailMessage(
        subject="A mail from doctor",
        body=f"This server can send mails: {settings.PUBLIC_URL}/\n",
        to=[address],
        headers=dict(MACHINE_HEADERS),
        connection=EmailBackend() if settings.EMAIL_BACKEND == _SMTP else None,
    )
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        yield bad(f"{_server()} did not take a mail to {address}: {in_one_line(error)}", ADVICE)
        return
    yield good(
        f"{_server()} took a mail from {settings.DEFAULT_FROM_EMAIL} to {address}: see whether it arrived."
    )


def in_one_line(error: Exception) -> str:
    """What a mail server said, or why it could not be asked."""
    said = error.smtp_error if isinstance(error, smtplib.SMTPResponseException) else str(error)
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    code = f"{error.smtp_code} " if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{code}{text or type(error).__name__}"[:_TOLD_CHARACTERS]


def _server() -> str:
    return f"The mail server {settings.EMAIL_HOST}:{settings.EMAIL_PORT}"


def _how() -> str:
    return f" and lets {settings.EMAIL_HOST_USER} in" if settings.EMAIL_HOST_USER else ""


register(Check(name="mail", look=look, advice=ADVICE, order=70, seconds=SECONDS))
