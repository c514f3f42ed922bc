"""The steps that look at a page and change nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from infra_shared.clock import monotonic
from webgraph.conditions import appears, reads, url_is
from webgraph.window import Window
from webgraph.workers.base import Need

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from webgraph.conditions import Condition
    from webgraph.step_plan import Act
    from webgraph.target import Target

T = TypeVar("T")
_LOOK_AGAIN_SECONDS = 0.1


class Looking(Window):
    """Checks, waits, reads and extracts. Each of these steps may be repeated without harm."""

    async def expect(
        self,
        target: Target | None = None,
        *,
        text: str | re.Pattern[str] | None = None,
        url: str | re.Pattern[str] | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Check that the target is visible (and reads `text`), or that the address matches; else WrongPageError."""
        conditions = list(_conditions(target, text, url))
        if not conditions:
            msg = "expect() needs a target or a url."
            raise ValueError(msg)
        await self._wait("expect", "Expect that", conditions, timeout_seconds)

    async def wait_for(self, condition: Condition | Target, *, timeout_seconds: float | None = None) -> None:
        """Wait until a condition holds; a Target alone means until it appears."""
        wanted = condition if hasattr(condition, "wait") else appears(condition)
        await self._wait("wait_for", "Wait until", [wanted], timeout_seconds)

    async def text(self, target: Target, *, timeout_seconds: float | None = None) -> str:
        """The visible text of a thing, or a field's value."""
        return await self._read(
            "text",
            f"Read {target}",
            lambda it: it.on.text(timeout_seconds=it.clock.left),
            target=target,
            timeout_seconds=timeout_seconds,
        )

    async def count(self, target: Target) -> int:
        """How many visible things fit the target now; does not wait."""

        async def act(it: Act) -> int:
            return len(await it.finder.matches(target, self._surface))

        return await self._read("count", f"Count {target}", act)

    async def is_visible(self, target: Target, *, within_seconds: float = 0.0) -> bool:
        """Whether anything that fits the target is visible now, or becomes so in that time; not to be is no failure."""

        async def act(it: Act) -> bool:
            until = monotonic() + min(within_seconds, it.clock.left)
            while not await it.finder.matches(target, self._surface):
                if monotonic() >= until:
                    return False
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            return True

        return await self._read("is_visible", f"Look for {target}", act)

    async def extract(
        self, target: Target, fields: Mapping[str, str], *, timeout_seconds: float | None = None
    ) -> dict[str, str]:
        """One record out of a thing: field names to texts.

        A field is a CSS selector inside the thing, or `selector@attribute`; what is not there is an empty text.
        """

        async def act(it: Act) -> dict[str, str]:
            return (await it.on.records(None, fields, timeout_seconds=it.clock.left))[0]

        return await self._read(
            "extract",
            f"Extract {', '.join(fields)} from {target}",
            act,
            target=target,
            timeout_seconds=timeout_seconds,
        )

    async def extract_list(
        self,
        target: Target,
        each: str,
        fields: Mapping[str, str],
        *,
        timeout_seconds: float | None = None,
    ) -> list[dict[str, str]]:
        """One record for each thing inside the target that the CSS selector `each` finds; fields as in `extract`."""
        return await self._read(
            "extract_list",
            f"Extract {', '.join(fields)} of each {each} in {target}",
            lambda it: it.on.records(each, fields, timeout_seconds=it.clock.left),
            target=target,
            timeout_seconds=timeout_seconds,
        )

    async def extract_table(
        self, target: Target, *, timeout_seconds: float | None = None
    ) -> list[dict[str, str]]:
        """The rows of a table, each as column heading to text."""
        return await self._read(
            "extract_table",
            f"Extract the table {target}",
            lambda it: it.on.table(timeout_seconds=it.clock.left),
            target=target,
            timeout_seconds=timeout_seconds,
        )

    async def _read(
        self, action: str, description: str, act: Callable[[Act], Awaitable[T]], **plan: Any
    ) -> T:
        return await self._act(action, description, act, need=Need.SEE, reads=True, **plan)

    async def _wait(
        self, action: str, words: str, conditions: list[Condition], timeout_seconds: float | None
    ) -> None:
        async def act(it: Act) -> None:
            for condition in conditions:
                await condition.wait(self._surface, it.finder, it.clock.left)

        description = f"{words} {' and '.join(str(item) for item in conditions)}"
        await self._act(action, description, act, reads=True, timeout_seconds=timeout_seconds)


def _conditions(
    target: Target | None, text: str | re.Pattern[str] | None, url: str | re.Pattern[str] | None
) -> Iterator[Condition]:
    if url is not None:
        yield url_is(url)
    if target is not None:
        yield appears(target) if text is None else reads(target, text)
