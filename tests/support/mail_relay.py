"""A real SMTP server that can be as unkind as real ones are."""

from __future__ import annotations

import asyncio
import email
import email.policy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from config.local.processes import free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from email.message import EmailMessage

USER, PASSWORD = "alerts", "right-7c1f"


@dataclass
class Relay:
    """What was given to the server, and how it behaves.

    `answers` are given to the next mails in turn, then 250 for ever. An answer may be "stall", which never comes, "drop",
    which ends the connection instead, or "keep and drop", which does so after the mail was taken.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    stalled: list[asyncio.Transport] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or refuse it."""
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        """Take a mail, or do what is asked for."""
        answer = self.answers.pop(0) if self.answers else "250 Kept"
        if answer == "stall":
            self.stalled.append(server.transport)
            await asyncio.Event().wait()
        if answer.startswith(("250", "keep")):
            self.raw.append(envelope.content)
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.mails.append(parsed)
            self.recipients.append(list(envelope.rcpt_tos))
        if answer.endswith("drop"):
            server.transport.abort()
        return answer

    async def hang_up(self) -> None:
        """End the conversations that stall, and return once all have ended."""
        for transport in self.stalled:
            transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=5)
        for _ in range(3):  # a transport closes its socket one turn of the loop later
            await asyncio.sleep(0)

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        """Let in who knows the password; whoever is not is told so by the server."""
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=is_right)


def started_relay(settings: Any, *, tls: ssl.SSLContext | None = None) -> Iterator[Relay]:
    """A started server that the settings name; with a context it demands STARTTLS and then a sign-in."""
    relay = Relay(port=free_port())
    demands: dict[str, Any] = {
        "tls_context": tls,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": relay.authenticate,
    }
    controller = Controller(relay, hostname="127.0.0.1", port=relay.port, **(demands if tls else {}))
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", relay.port
    yield relay
    asyncio.run_coroutine_threadsafe(relay.hang_up(), controller.loop).result()
    controller.stop()
