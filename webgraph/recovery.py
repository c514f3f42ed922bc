"""What may stand in the way of a step, and how it is put aside: cookie banners, notices, dialogs of the page.

A recovery is tried when the first tier cannot find a step's target, before the next tier is asked. It is declared by
an automation (`recoveries = (ACCEPT_COOKIES,)`) or shared by several; nothing is put aside that nobody declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from webgraph.errors import BrowserCrashError, TargetAmbiguousError, TargetNotFoundError
from webgraph.failures import classify
from webgraph.workers.base import Need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webgraph.escalation import Finder
    from webgraph.surface import Surface
    from webgraph.target import Target

_LOOK_SECONDS = 0.05
_CLICK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Recovery:
    """Something that may be in the way (`sign` is visible then) and what to click to be rid of it."""

    name: str
    sign: Target
    click: Target


@dataclass(frozen=True, slots=True)
class SignInAgain:
    """A sign-in page may turn up in the middle: when `sign` is visible, `stage` is run again, once in an attempt.

    The stage that met it then starts over with the state it began with; a stage that commits never does.
    """

    sign: Target
    stage: str


class Recoveries:
    """The recoveries of one attempt; each is tried at most `most` times, so that none goes round in circles."""

    def __init__(self, declared: Sequence[Recovery | SignInAgain], *, most: int = 3) -> None:
        self._declared = [item for item in declared if isinstance(item, Recovery)]
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
            if not await finder.matches(recovery.sign, surface):
                continue
            self._tried[recovery.name] = self._tried.get(recovery.name, 0) + 1
            return {"recovery": recovery.name, **await _dismiss(recovery, surface, finder)}
        return None


async def _dismiss(recovery: Recovery, surface: Surface, finder: Finder) -> dict[str, Any]:
    try:
        actor = await finder.find(recovery.click, surface, Need.ACT, _LOOK_SECONDS)
        await actor.click(timeout_seconds=_CLICK_SECONDS)
    except (TargetNotFoundError, TargetAmbiguousError) as error:
        return {"found": False, "reason": str(error)}
    except PlaywrightError as error:
        failure = classify(error)
        if isinstance(failure, BrowserCrashError):
            raise
        return {"found": False, "reason": str(failure)}
    return {"found": True, "reason": ""}
