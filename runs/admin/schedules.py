"""Schedule pages, completed: what became of every planned time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from automations.admin.schedules import SchedulePages, preview_of
from automations.forms.params import titles_of
from automations.forms.schemas import params_schema_of
from automations.models import Schedule
from infra_shared.templatetags.console import words
from runs.models import Occurrence

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

OCCURRENCES_SHOWN = 30


@admin.register(Schedule)
class ScheduleAdmin(SchedulePages):
    """Schedules with their occurrences."""

    def row_page(self, request: HttpRequest, schedule: Schedule) -> HttpResponse:
        """One schedule: its rule, the next fires, and what became of those that passed."""
        occurrences = Occurrence.objects.filter(schedule=schedule).select_related("run").order_by("-fire_at")
        return self.page(
            request,
            "review/schedule/page.html",
            title=schedule.name,
            schedule=schedule,
            params=params_in_words(schedule),
            occurrences=occurrences[:OCCURRENCES_SHOWN],
            may_change=self.may(request, "change"),
            **preview_of(schedule.rule),
        )


def params_in_words(schedule: Schedule) -> list[tuple[str, Any]]:
    """The schedule's params with the titles its automation gives them."""
    version = schedule.pinned_version or schedule.automation.latest_version
    titles = titles_of(params_schema_of(version)) if version is not None else {}
    return [(titles.get(name) or words(name), value) for name, value in schedule.params.items()]
