"""Django's SMTP backend, which also says whom the server refused, and can be stopped."""

from __future__ import annotations

import smtplib
import socket
from contextlib import suppress
from typing import Any

from django.core.mail.backends import smtp

Refusals = dict[str, tuple[int, bytes]]


class EmailBackend(smtp.EmailBackend):
    """Sends by SMTP. `refused`: whom the server refused while it took the message for the others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refused: Refusals = {}
        self._made: list[smtplib.SMTP] = []

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """As Django chooses it, but keeping the answer about single recipients, which Django drops."""
        base: Any = smtplib.SMTP_SSL if self.use_ssl else smtplib.SMTP
        made, refused = self._made, self.refused

        class Telling(base):  # type: ignore[misc]  # one of two classes, known when it connects
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                made.append(self)  # before it connects: Django knows it only once it has signed in
                super().__init__(*args, **kwargs)

            def sendmail(self, *args: Any, **kwargs: Any) -> Refusals:
                answer: Refusals = super().sendmail(*args, **kwargs)
                refused.update(answer)
                return answer

        return Telling

    def open(self) -> bool | None:
        """Connect and sign in; where that fails nothing stays open, as it would with Django's."""
        try:
            return super().open()
        except BaseException:
            for conversation in self._made:
                conversation.close()
            raise

    def abort(self) -> None:
        """End every conversation from another thread; nothing happens when there is none."""
        for conversation in self._made:
            if conversation.sock is not None:
                with suppress(OSError):  # it ended by itself meanwhile
                    conversation.sock.shutdown(socket.SHUT_RDWR)
