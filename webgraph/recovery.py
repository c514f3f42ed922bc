"""What may stand in the way of a step, and how it is put aside: cookie banners, dialogs, windows nobody asked for.

A recovery is tried when the first tier cannot find a step's target, before the next tier is asked. It is declared by
an automation (`recoveries = (ACCEPT_COOKIES,)`) or shared by several; nothing is put aside that nobody declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.errors import BrowserCrashError, TargetAmbiguousError, TargetNotFoundError
from webgraph.failures import classify
from webgraph.target import Target
from webgraph.workers.base import Need
from webgraph.workers.dom_actor import DomActor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webgraph.escalation import Finder
    from webgraph.surface import Surface

_LOOK_SECONDS = 0.05
_CLICK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Recovery:
    """Something that may be in the way (`sign` is visible then), and what to click or which key to press against it.

    A key is pressed only when what the step acts on is not inside the sign: a dialog may be what is worked in.
    """

    name: str
    sign: Target
    click: Target | None = None
    press: str = ""


MODAL_DIALOG = Recovery(
    "modal dialog",
    sign=Target(
        css="dialog:modal, [role=dialog][aria-modal=true], [role=alertdialog][aria-modal=true]",
        called="modal dialog",
    ),
    press="Escape",
)
"""Shared: a dialog of the page that lies over everything else is closed by the key that closes dialogs."""


@dataclass(frozen=True, slots=True)
class NewWindow:
    """A window may open that no step asked for: it is closed, or with `follow` the window at work goes there instead.

    Without this it stays open and unused, which is recorded.
    """

    follow: bool = False


@dataclass(frozen=True, slots=True)
class SignInAgain:
    """A sign-in page may turn up in the middle: when `sign` is visible, `stage` is run again, once in an attempt.

    The stage that met it then starts over with the state it began with; a stage that commits never does.
    """

    sign: Target
    stage: str


class Recoveries:
    """The recoveries of one attempt; each is tried at most `most` times, so that none goes round in circles."""

    def __init__(self, declared: Sequence[Recovery | SignInAgain | NewWindow], *, most: int = 3) -> None:
        self._declared = [item for item in declared if isinstance(item, Recovery)]
        self.new_window = next((item for item in declared if isinstance(item, NewWindow)), None)
        self._most = most
        self._tried: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._declared)

    async def clear(self, surface: Surface, finder: Finder, *, wanted: Target) -> dict[str, Any] | None:
        """Put the first thing aside that is in the way; what was done, for the record, or None when nothing was.

        What the automation itself is about to click is left to it.
        """
        for recovery in self._declared:
            if wanted == recovery.click or self._tried.get(recovery.name, 0) >= self._most:
                continue
            if not await _is_in_the_way(recovery, surface, finder, wanted):
                continue
            self._tried[recovery.name] = self._tried.get(recovery.name, 0) + 1
            reason = await _dismiss(recovery, surface, finder)
            return recovered(recovery.name, found=not reason, reason=reason)
        return None


def recovered(what: str, *, found: bool, reason: str) -> dict[str, Any]:
    """What was done about something unexpected, as kept with a step's decisions."""
    return {"recovery": what, "found": found, "reason": reason}


async def _is_in_the_way(recovery: Recovery, surface: Surface, finder: Finder, wanted: Target) -> bool:
    try:
        if not await finder.matches(recovery.sign, surface):
            return False
    except TargetNotFoundError:
        return False  # nobody can look for the sign now
    if not recovery.press:
        return True
    try:
        actor = await finder.find(wanted, surface, Need.SEE, _LOOK_SECONDS)
    except TargetAmbiguousError:
        return False  # several of what is wanted, some of it perhaps inside: it is left to the step
    except TargetNotFoundError:
        return True
    return not (isinstance(actor, DomActor) and await actor.is_inside(", ".join(recovery.sign.css)))


async def _dismiss(recovery: Recovery, surface: Surface, finder: Finder) -> str:
    """Why it is still in the way; empty when it is put aside."""
    try:
        if recovery.press:
            await surface.page.keyboard.press(recovery.press)
            return "it stays" if await finder.matches(recovery.sign, surface) else ""
        assert recovery.click is not None  # a recovery has one of the two
        actor = await finder.find(recovery.click, surface, Need.ACT, _LOOK_SECONDS)
        await actor.click(timeout_seconds=_CLICK_SECONDS)
    except (TargetNotFoundError, TargetAmbiguousError) as error:
        return str(error)
    except PlaywrightError as error:
        failure = classify(error)
        if isinstance(failure, BrowserCrashError):
            raise
        return str(failure)
    return ""
