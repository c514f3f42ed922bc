"""When a message that could not be sent is tried again. Values in, a decision out; no database, no network."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta

from infra_shared.http.post import PostError

MAX_ATTEMPTS = 8
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=2)
_PERMANENT_SMTP_CODES = range(500, 600)


def next_attempt_at(*, attempts: int, error: Exception, now: datetime) -> datetime | None:
    """When to try again after `attempts` tries, the last of which raised `error`; None to give up.

    One minute, doubled each time, two hours at most: about four hours in all, longer than most outages of a relay.
    What the receiver refused for good, or what cannot be written as a mail at all, is not repeated. A pause the receiver
    asked for is kept.
    """
    if attempts >= MAX_ATTEMPTS or is_permanent(error):
        return None
    pause = min(_FIRST_PAUSE * (1 << (attempts - 1)), _LONGEST_PAUSE)
    asked = error.retry_after_seconds if isinstance(error, PostError) else 0
    return now + max(pause, timedelta(seconds=asked))


def is_permanent(error: Exception) -> bool:
    """Whether sending the same message again cannot help."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in _PERMANENT_SMTP_CODES for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # a setting is wrong, not the message: it goes out once the setting is right
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code in _PERMANENT_SMTP_CODES
    if isinstance(error, PostError):
        return error.permanent
    return isinstance(error, ValueError)  # a newline in a header, an address that is none
