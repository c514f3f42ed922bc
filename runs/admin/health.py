"""How an automation did of late, from the row that is written when a run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html, format_html_join

from infra_shared.templatetags.console import NOTHING, span
from runs.states import FAILED_RUNS, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.utils.safestring import SafeString

    from runs.models import AutomationHealth

RECENT = 20


def recent_of(rows: Iterable[AutomationHealth]) -> list[dict[str, Any]]:
    """The latest ends of an automation over several customers, the newest first: run ids are in order of time."""
    ends = [end for row in rows for end in row.recent]
    return sorted(ends, key=lambda end: str(end["run"]), reverse=True)[:RECENT]


def dots(ends: Sequence[dict[str, Any]]) -> SafeString | str:
    """The ends as small bars, the newest on the right."""
    if not ends:
        return NOTHING
    good = sum(1 for end in ends if end["state"] == RunState.SUCCEEDED)
    bad = sum(1 for end in ends if end["state"] in FAILED_RUNS)
    words = f"Of the last {len(ends)}: {good} succeeded, {bad} failed"
    marks = format_html_join(
        "", '<span class="{}"></span>', ((_tone(str(end["state"])),) for end in reversed(ends))
    )
    return format_html(
        '<span class="c-dots" role="img" aria-label="{}" title="{}">{}</span>', words, words, marks
    )


def typical(ends: Iterable[dict[str, Any]]) -> str:
    """The median and the 95th percentile of the successes among the ends, in words."""
    seconds = sorted(
        float(end["seconds"])
        for end in ends
        if end["state"] == RunState.SUCCEEDED and end["seconds"] is not None
    )
    if not seconds:
        return NOTHING
    return f"{span(_nearest(seconds, 0.5))} / {span(_nearest(seconds, 0.95))}"


def _nearest(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    rank = -(-len(ordered) * share // 1)
    return ordered[max(int(rank), 1) - 1]


def _tone(state: str) -> str:
    if state == RunState.SUCCEEDED:
        return "is-good"
    return "is-bad" if state in FAILED_RUNS else ""
