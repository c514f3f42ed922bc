"""Questions the framework itself asks the browser, kept out of the trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from playwright._impl.channel_owner import ApiCallOptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import CDPSession, Page

T = TypeVar("T")


async def quietly(page: Page, ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` returns, asked as one of Playwright's internal calls.

    A trace with DOM snapshots takes two of them for every call it records, which makes a look at the page three times
    as slow and the trace hard to read. Playwright offers no public way to leave a call out, so this reaches for the
    one its own code uses; a test touches it.
    """
    owner: Any = page._impl_obj  # noqa: SLF001 - the one private name; test_quiet.py watches it - see above
    answer: T = await owner._wrap_api_call(lambda _zone: ask(), ApiCallOptions(internal=True))  # noqa: SLF001
    return answer


async def command(
    page: Page, session: CDPSession, method: str, params: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The answer to a command of the DevTools protocol; in a trace its answer, a picture even, would be kept twice."""
    answer: dict[str, Any] = await quietly(page, lambda: session.send(method, params))
    return answer
