"""The request log and the console log of an attempt, as JSON lines. No bodies, no header values."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from infra_shared.clock import utc_now
from webgraph.limits import Limits

if TYPE_CHECKING:
    from playwright.async_api import (
        BrowserContext,
        ConsoleMessage,
        Dialog,
        Request,
        WebError,
    )

    from infra_shared.redaction import Redactor
    from webgraph.browser.gateway.verdicts import Verdicts

# A line of a page's own may be long: no log is longer than this, however few its lines are.
_MOST_CHARACTERS = 16_000_000
# A page that goes on and on is not listened to for ever: what it says costs time that its evidence needs.
_TIMES_OVER = 3
_LONGEST_TEXT = 4_000
# Texts are cut only when they were redacted, as half a secret is none the redactor would find; until then they are
# held so far that a secret which begins in what is kept is whole.
_LONGEST_HELD = 12_000
_LONGEST_BODY = 16_000
_MOST_BODY = 2_000_000


class JsonLines:
    """A bounded log; when it is full the oldest lines go, and the count of them is told at the end."""

    def __init__(self, most_lines: int = Limits().log_lines) -> None:
        self._most_lines = most_lines
        self._lines: deque[dict[str, Any]] = deque()
        self._characters = 0
        self._seen = 0

    @property
    def is_flooded(self) -> bool:
        """Whether so much came that no more should be listened to."""
        return self._seen > _TIMES_OVER * self._most_lines

    def add(self, **fields: Any) -> None:
        """Append one line, with the time."""
        self._seen += 1
        self._lines.append({"at": utc_now().isoformat(timespec="milliseconds"), **fields})
        self._characters += _length(self._lines[-1])
        while len(self._lines) > self._most_lines or self._characters > _MOST_CHARACTERS:
            self._characters -= _length(self._lines.popleft())

    def body(self, redactor: Redactor) -> bytes:
        """The log as bytes, without secrets; empty when nothing was logged."""
        dropped = self._seen - len(self._lines)
        head = [{"dropped_lines": dropped}] if dropped else []
        lines = [_cut(redactor.json(line)) for line in [*head, *self._lines]]
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


class RequestLog(JsonLines):
    """One line for each finished request: method, address, status, type, milliseconds, sizes.

    What could not be reached has the reason. Each place that was refused has a line of its own besides, for not every
    request is told of by the browser: those of sockets and workers are not. With `bodies_through` also what was sent,
    without secrets, cut at 16 thousand characters a request and 2 million in all.
    """

    def __init__(
        self, most_lines: int = Limits().log_lines, *, bodies_through: Redactor | None = None
    ) -> None:
        super().__init__(most_lines)
        self._redactor = bodies_through
        self._body_left = _MOST_BODY
        self._pending: set[asyncio.Task[None]] = set()
        self._verdicts: Verdicts | None = None

    def attach(self, context: BrowserContext, verdicts: Verdicts) -> None:
        """Listen to every page of the context."""
        self._verdicts = verdicts
        context.on("requestfinished", self._on_finished)
        context.on("requestfailed", self._on_failed)

    async def settled(self) -> None:
        """Wait for the sizes that are still asked for."""
        if self._pending:
            await asyncio.wait(self._pending)

    def add_refusals(self) -> None:
        """Append what was refused; said once, at the end, when it is known how often."""
        for refusal in self._verdicts.refusals() if self._verdicts is not None else ():
            self.add(
                at=refusal.at.isoformat(timespec="milliseconds"),
                method="CONNECT",
                url=str(refusal.place),
                type="refused",
                status=None,
                reason=refusal.reason,
                times=refusal.times,
            )

    def _on_finished(self, request: Request) -> None:
        task = asyncio.ensure_future(self._finished(request))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _finished(self, request: Request) -> None:
        line = _line(request) | self._body(request)
        response = request.existing_response
        length = response.headers.get("content-length", "") if response else ""
        received: int | None = int(length) if length.isascii() and length.isdigit() else None
        if received is None:
            try:
                received = (await request.sizes())["responseBodySize"]
            except PlaywrightError:
                received = None  # the page is gone; what is known of its request is still worth a line
        self.add(
            **line,
            status=response.status if response else None,
            sent_bytes=len(request.post_data_buffer or b""),
            received_bytes=received,
        )

    def _on_failed(self, request: Request) -> None:
        told = self._verdicts.about(request.url) if self._verdicts is not None else None
        reason = {"reason": str(told)} if told is not None else {}
        self.add(**_line(request), **self._body(request), status=None, error=request.failure or "", **reason)

    def _body(self, request: Request) -> dict[str, Any]:
        if self._redactor is None or not (sent := request.post_data_buffer):
            return {}
        # Redacted before it is cut: half a secret is none the redactor would find.
        kept = self._redactor.text(sent.decode("utf-8", "replace"))[: min(_LONGEST_BODY, self._body_left)]
        self._body_left -= len(kept)
        return {"body": kept, "body_bytes": len(sent)}


class ConsoleLog(JsonLines):
    """What the pages said: console messages, uncaught errors, dialogs and how they were answered; and what was too much."""

    _context: BrowserContext | None = None

    def limit(self, words: str) -> None:
        """Keep that something was left out or broken off."""
        self.add(kind="limit", text=words)

    def attach(self, context: BrowserContext) -> None:
        """Listen to every page of the context."""
        self._context = context
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)

    def dialog(self, dialog: Dialog, *, answer: str) -> None:
        """Keep a dialog and its answer."""
        self.add(kind=f"dialog.{dialog.type}", text=dialog.message[:_LONGEST_HELD], answer=answer)

    def _on_console(self, message: ConsoleMessage) -> None:
        where = message.location
        if self.is_flooded and self._context is not None:
            self._context.remove_listener("console", self._on_console)
            self._context = None
            self.limit("The pages wrote on and on; what they wrote after this was not read.")
            return
        self.add(
            kind=f"console.{message.type}",
            text=message.text[:_LONGEST_HELD],
            url=where.get("url", ""),
            line=where.get("lineNumber"),
        )

    def _on_error(self, error: WebError) -> None:
        self.add(kind="error", text=str(error.error)[:_LONGEST_HELD])


def _cut(line: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[:_LONGEST_TEXT] if isinstance(value, str) and name != "body" else value
        for name, value in line.items()
    }


def _length(line: dict[str, Any]) -> int:
    return sum(len(value) for value in line.values() if isinstance(value, str))


def _line(request: Request) -> dict[str, Any]:
    ended = request.timing["responseEnd"]
    return {
        "method": request.method,
        "url": request.url[:_LONGEST_HELD],
        "type": request.resource_type,
        "milliseconds": round(ended, 1) if ended >= 0 else None,
    }
