"""Schedule pages, completed: what became of every planned time, and filling in what is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from math import log10
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse

from automations import fire_times
from automations.admin.schedule_preview import preview_of
from automations.admin.schedules import SchedulePages
from automations.forms.params import titles_of
from automations.forms.schedules import BackfillForm, choices_in_words, shown_in
from automations.forms.schemas import params_schema_of
from automations.models import Schedule
from infra_shared.admin.base import actor
from infra_shared.database import database_now
from infra_shared.templatetags.console import span, words
from runs.errors import BackfillRefusedError
from runs.models import Occurrence, OccurrenceState
from runs.services.backfills import BackfillPlan, backfill, plan_backfill, why_no_backfill

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

OCCURRENCES_SHOWN = 30
BARS = 60
COUNTED = 1000
FIRST_RANGE = timedelta(days=7)
_MOST_LATE_SECONDS = 86_400
_BAD = {OccurrenceState.MISSED, OccurrenceState.REFUSED}


@dataclass(frozen=True, slots=True)
class Bar:
    """One planned time in the chart of lateness."""

    url: str
    title: str
    height: float
    is_bad: bool


@admin.register(Schedule)
class ScheduleAdmin(SchedulePages):
    """Schedules with their occurrences."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The backfill beside the pages that need no occurrences."""
        return [*super().extra_pages(), ("<int:pk>/backfill/", self.backfill_view, "backfill")]

    def row_page(self, request: HttpRequest, schedule: Schedule) -> HttpResponse:
        """One schedule: its rule and choices, the next fires, and what became of those that passed."""
        rows = Occurrence.objects.filter(schedule=schedule).select_related("run").order_by("-fire_at")
        state = request.GET.get("state", "")
        state = state if state in OccurrenceState.values else ""
        shown = rows.filter(state=state) if state else rows
        is_there = schedule.deleted_at is None
        return self.page(
            request,
            "review/schedule/page.html",
            title=schedule.name,
            schedule=schedule,
            params=params_in_words(schedule),
            choices=choices_in_words(schedule),
            occurrences=shown[:OCCURRENCES_SHOWN],
            state=state,
            counts=_counts(schedule),
            counted=COUNTED,
            bars=_bars(rows[:BARS]),
            may_change=is_there and self.may(request, "change"),
            may_delete=is_there and self.may(request, "delete"),
            may_backfill=is_there and self.may_backfill(request) and not why_no_backfill(schedule),
            **(preview_of(schedule.rule, schedule=schedule) if is_there else {}),
        )

    def backfill_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Choose a range, see what is missing, and only then let it fire."""
        self.require(request, "change")
        self.require_all(request, "runs.request_run")
        schedule = self.present(request, pk)
        own = fire_times.zone(schedule.time_zone)
        form = BackfillForm(request.POST or None, initial=_first_range(schedule))
        plan, refusal = None, why_no_backfill(schedule)
        if request.method == "POST" and form.is_valid() and not refusal:
            begin, end = form.range(own)
            try:
                if "confirmed" in request.POST:
                    done = backfill(schedule=schedule, begin=begin, end=end, actor=actor(request))
                    return self.done(request, _done_in_words(done), self.url("change", pk))
                plan = plan_backfill(schedule=schedule, begin=begin, end=end)
            except BackfillRefusedError as error:
                refusal = str(error)
        return self.page(
            request,
            "review/schedule/backfill.html",
            title=f"Backfill {schedule.name}",
            status=422 if form.is_bound and (refusal or form.errors) else 200,
            schedule=schedule,
            form=form,
            plan=plan,
            missing=[fire_at.astimezone(own) for fire_at in plan.missing] if plan else [],
            refusal=refusal,
            back=self.url("change", pk),
        )

    def may_backfill(self, request: HttpRequest) -> bool:
        """Whether the operator may change schedules and ask for runs: a backfill is both."""
        return self.may(request, "change") and request.user.has_perm("runs.request_run")


def params_in_words(schedule: Schedule) -> list[tuple[str, Any]]:
    """The schedule's params with the titles its automation gives them."""
    version = schedule.pinned_version or schedule.automation.latest_version
    titles = titles_of(params_schema_of(version)) if version is not None else {}
    return [(titles.get(name) or words(name), value) for name, value in schedule.params.items()]


def _counts(schedule: Schedule) -> list[tuple[str, str, int]]:
    """How many of the latest planned times are in each state: value, label, number."""
    rows = Occurrence.objects.filter(schedule=schedule).order_by("-fire_at")
    found = Counter(rows.values_list("state", flat=True)[:COUNTED])
    return [(state.value, state.label, found[state]) for state in OccurrenceState if state in found]


def _bars(rows: Iterable[Occurrence]) -> list[Bar]:
    """The latest planned times, the oldest first, as high as they were late: a second, a minute and an hour can be told apart."""
    return [_bar(row) for row in reversed(list(rows)) if not row.backfill]


def _bar(row: Occurrence) -> Bar:
    seconds = min(max(row.lateness.total_seconds(), 0), _MOST_LATE_SECONDS)
    height = 4 + 96 * log10(1 + seconds) / log10(1 + _MOST_LATE_SECONDS)
    url = reverse("admin:runs_run_change", args=[row.run_id]) if row.run_id else "#occurrences"
    title = (
        f"{row.fire_at:%Y-%m-%d %H:%M:%S} UTC: {row.get_state_display().lower()}, {span(row.lateness)} late"
    )
    return Bar(url=url, title=title, height=height, is_bad=row.state in _BAD)


def _first_range(schedule: Schedule) -> dict[str, str]:
    own, now = fire_times.zone(schedule.time_zone), database_now()
    return {"begin": shown_in(now - FIRST_RANGE, own), "end": shown_in(now, own)}


def _done_in_words(done: BackfillPlan) -> str:
    count = len(done.missing)
    return (
        f"{count} planned time{' fires' if count == 1 else 's fire'} now, one by one."
        if count
        else "Nothing was missing."
    )
