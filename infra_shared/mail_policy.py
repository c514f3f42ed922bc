"""When a message that could not be sent is tried again. Values in, a decision out; no database, no network."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta

from infra_shared.http.post import PostError
from infra_shared.retries import Failure, RetryPolicy, next_pause

MAX_ATTEMPTS = 10
POLICY = RetryPolicy(
    first_pause=timedelta(minutes=1), longest_pause=timedelta(hours=2), jitter=0.5, max_attempts=MAX_ATTEMPTS
)
"""About five hours in all, longer than most outages of a relay and than any greylisting."""
# What is wrong is a setting or a moment, not the message: it goes out once the setting is right. 530: the server wants
# TLS or a sign-in first; 534, 535 and 538: it wants another one.
_WRONG_SETTINGS = frozenset({530, 534, 535, 538})
_PERMANENT_SMTP_CODES = frozenset(range(500, 600)) - _WRONG_SETTINGS


def next_attempt_at(*, attempts: int, error: Exception, now: datetime, chance: float) -> datetime | None:
    """When to try again after `attempts` tries, the last of which raised `error`; None to give up.

    What the receiver refused for good, or what cannot be written as a mail at all, is not repeated. A pause the
    receiver asked for is kept. `chance` is a random number in [0, 1).
    """
    asked = error.retry_after_seconds if isinstance(error, PostError) else 0
    failure = Failure(retryable=not is_permanent(error), not_before=timedelta(seconds=asked))
    pause = next_pause(POLICY, failure, attempts=attempts, chance=chance)
    return None if pause is None else now + pause


def is_permanent(error: Exception) -> bool:
    """Whether sending the same message again cannot help."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in _PERMANENT_SMTP_CODES for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code in _PERMANENT_SMTP_CODES
    if isinstance(error, PostError):
        return error.permanent
    return isinstance(error, ValueError)  # a newline in a header, an address that is none
