"""One window of the attempt's browser, and the one way a step is made in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from webgraph.step_plan import StepPlan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from webgraph.dialogs import Dialogs
    from webgraph.step_plan import Act
    from webgraph.supervisor import Supervisor
    from webgraph.surface import Surface, Windows

T = TypeVar("T")


class Window:
    """What every kind of step needs."""

    def __init__(self, supervisor: Supervisor, surface: Surface, windows: Windows, dialogs: Dialogs) -> None:
        self._supervisor = supervisor
        self._surface = surface
        self._windows = windows
        self._dialogs = dialogs

    @property
    def url(self) -> str:
        """Where the page is now. No step."""
        return self._surface.url

    def _given(self, text: str, *urls: str) -> None:
        """A text is about to be given to the page, or to these addresses: from here on it may show what is in it."""
        if self._supervisor.scrub.holds_secret(text):
            self._supervisor.keeper.secret_was_typed(self._surface, *urls)

    async def _act(self, action: str, description: str, act: Callable[[Act], Awaitable[T]], **plan: Any) -> T:
        step = StepPlan(action=action, description=description, **plan)
        return await self._supervisor.step(self._surface, step, act)
