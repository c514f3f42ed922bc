"""Whether a commit may have happened: a pure decision from the steps of the stage that did not finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable

OBSERVING = frozenset(
    {
        "ask",
        "count",
        "expect",
        "extract",
        "extract_list",
        "extract_table",
        "is_visible",
        "resume",
        "text",
        "wait_for",
    }
)
"""Actions that only look at a page. Every other action may have acted once it was begun."""
_BEFORE_THE_ACT = frozenset(
    {FailureKind.TARGET_NOT_FOUND, FailureKind.TARGET_AMBIGUOUS, FailureKind.BAD_PARAMS}
)


def may_have_happened(steps: Iterable[tuple[str, bool | None, str]]) -> bool:
    """True when any step of an unfinished commit stage may have acted.

    Each step is (action, succeeded or None when its end is unknown, failure kind or ""). A step that failed to find
    its target, or was refused its params, never acted.
    """
    return any(
        action not in OBSERVING and (succeeded is not False or kind not in _BEFORE_THE_ACT)
        for action, succeeded, kind in steps
    )
