"""Why a message could not be sent, in words for who reads them in the console. Errors in, words out."""

from __future__ import annotations

import smtplib
import ssl

from infra_shared.bounded import TookTooLongError
from infra_shared.http.post import PostError

_SAY_IT_THEMSELVES = (PostError, TookTooLongError)
# The first that fits: all of smtplib's are an OSError too.
_SAID_OF = (
    (smtplib.SMTPRecipientsRefused, "The mail server refused: "),
    (smtplib.SMTPAuthenticationError, "The mail server refused the sign-in: "),
    (smtplib.SMTPResponseException, "The mail server answered: "),
    (smtplib.SMTPServerDisconnected, "The mail server broke off: "),
    (smtplib.SMTPException, "The mail server and this one cannot agree: "),
    (ssl.SSLError, "The connection to the mail server could not be encrypted: "),
    (OSError, "The mail server could not be reached: "),
)


def in_words(error: Exception) -> str:
    """What went wrong as a sentence, with the server's own words where it gave any. Secrets are not taken out."""
    if isinstance(error, _SAY_IT_THEMSELVES):
        return str(error)
    for kind, words in _SAID_OF:
        if isinstance(error, kind):
            return f"{words}{_said(error)}."
    return f"It could not be sent: {type(error).__name__}: {_said(error)}."


def _said(error: Exception) -> str:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return ", ".join(f"{_answer(*answer)} ({place})" for place, answer in error.recipients.items())
        case smtplib.SMTPResponseException():
            return _answer(error.smtp_code, error.smtp_error)
        case _:
            return _one_line(str(error)) or type(error).__name__


def _answer(code: int, words: bytes | str) -> str:
    """An answer of the server in one line: "550 No such user"."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {_one_line(text)}"


def _one_line(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")
