"""Answers alert, confirm, prompt and beforeunload dialogs, and keeps each in the console log."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.bindings import MisplacedSecretError, origin_of_frame
from webgraph.recovery import recovered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.async_api import BrowserContext, Dialog

    from webgraph.bindings import PlaceCheck
    from webgraph.bounds import Bounds
    from webgraph.evidence.logs import ConsoleLog


@dataclass(frozen=True, slots=True)
class DialogAnswer:
    """What to do with a dialog: accept it (with a text, for a prompt) or dismiss it."""

    accept: bool
    text: str = ""
    check: PlaceCheck | None = None
    """Says at which origins the text may be given; elsewhere the dialog is dismissed."""


_DISMISS = DialogAnswer(accept=False)
_LONGEST_NOTE = 1_000


class Dialogs:
    """Dismisses every dialog unless a step said otherwise, and lets a page be left; none can hang on one."""

    def __init__(
        self,
        context: BrowserContext,
        log: ConsoleLog,
        note: Callable[[dict[str, Any]], None],
        bounds: Bounds,
    ) -> None:
        """`note` is told of each dialog that no step expected, up to the bounds' limit."""
        self._bounds = bounds
        self._log = log
        self._note = note
        self._answer = _DISMISS
        self._answering: set[asyncio.Task[None]] = set()
        context.on("dialog", self._on_dialog)

    @contextmanager
    def answered(self, answer: DialogAnswer) -> Iterator[None]:
        """Answer dialogs in this way within the block."""
        before, self._answer = self._answer, answer
        try:
            yield
        finally:
            self._answer = before

    def _on_dialog(self, dialog: Dialog) -> None:
        self._bounds.dialog_opened()
        # Dismissing this one would keep the automation from ever leaving the page.
        answer = DialogAnswer(accept=True) if dialog.type == "beforeunload" else self._answer
        if answer.check is not None and not self._is_bound(dialog, answer.check):
            answer = _DISMISS
        task = asyncio.ensure_future(self._settle(dialog, answer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _is_bound(self, dialog: Dialog, check: PlaceCheck) -> bool:
        """Whether the answer may be given: a dialog may be any frame's, so every one must be of a fitting origin."""
        frames = dialog.page.frames if dialog.page is not None else []
        try:
            for frame in frames:
                check(origin_of_frame(frame))
        except MisplacedSecretError as error:
            self._note(recovered(f"{dialog.type} dialog", found=False, reason=str(error)))
            return False
        return bool(frames)

    async def _settle(self, dialog: Dialog, answer: DialogAnswer) -> None:
        answered = "accepted" if answer.accept else "dismissed"
        if self._bounds.over is None:
            self._record(dialog, answer, answered)
        try:
            if answer.accept:
                await dialog.accept(answer.text or dialog.default_value)
            else:
                await dialog.dismiss()
        except PlaywrightError:
            # Its page closed while the dialog was open, which answered it.
            return

    def _record(self, dialog: Dialog, answer: DialogAnswer, answered: str) -> None:
        self._log.dialog(dialog, answer=answered)
        if dialog.type == "beforeunload" or answer is _DISMISS:
            words = f"{answered}: {dialog.message}" if dialog.message else answered
            self._note(recovered(f"{dialog.type} dialog", found=True, reason=words[:_LONGEST_NOTE]))
