"""The form of a schedule, and the input it stands for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone

from automations import fire_times
from automations.fire_times import TimeRule
from automations.models import DEFAULT_CUSTOMER, Customer, ScheduleKind
from automations.services.schedule_input import ScheduleInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automations.errors import FieldProblem
    from automations.models import Automation, Schedule

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


class ScheduleForm(forms.Form):
    """Everything of a schedule but its params, which are a form of their own."""

    name = forms.CharField(
        max_length=200, label="Name", help_text="What people call it, such as “Invoices every morning”."
    )
    customer = forms.ModelChoiceField(queryset=Customer.objects.all(), label="Customer", to_field_name="key")
    kind = forms.ChoiceField(
        choices=ScheduleKind.choices, initial=ScheduleKind.CRON, label="Fires", widget=forms.RadioSelect
    )
    cron = forms.CharField(
        required=False,
        max_length=200,
        initial="30 6 * * 1-5",
        label="Cron expression",
        help_text="Minute, hour, day, month, weekday. “30 6 * * 1-5”: at 06:30, Monday to Friday.",
        widget=forms.TextInput(attrs={"class": "c-code", "autocomplete": "off", "spellcheck": "false"}),
    )
    every = forms.IntegerField(required=False, min_value=1, initial=15, label="Every")
    unit = forms.ChoiceField(choices=[(unit, unit) for unit in _UNITS], initial="minutes", label="Unit")
    time_zone = forms.CharField(
        label="Time zone",
        help_text="Cron times are meant in this zone. On the night clocks go back a time that repeats fires once.",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )

    def rule(self) -> TimeRule:
        """The time rule as entered. Call on a bound form; it may be one that cannot fire."""
        self.is_valid()  # cleans once; what was found wrong so far stays
        entered = self.cleaned_data
        seconds = entered.get("every")
        return TimeRule(
            kind=entered.get("kind", fire_times.CRON),
            cron=" ".join(entered.get("cron", "").split()),
            every_seconds=seconds * _UNITS[entered.get("unit", "seconds")] if seconds else None,
            anchor_at=timezone.now(),
            time_zone=entered.get("time_zone", ""),
        )

    def wanted(self, *, automation: Automation, params: dict[str, Any]) -> ScheduleInput:
        """What a valid form says."""
        rule = self.rule()
        return ScheduleInput(
            name=self.cleaned_data["name"],
            automation=automation,
            customer=self.cleaned_data["customer"],
            kind=rule.kind,
            cron=rule.cron,
            every_seconds=rule.every_seconds,
            time_zone=rule.time_zone,
            params=params,
        )

    def show_problems(self, problems: Iterable[FieldProblem]) -> None:
        """Put what the server found wrong beside the fields it is about; those of params are left to their form."""
        for problem in problems:
            field = {"every_seconds": "every"}.get(problem.field, problem.field)
            if not field.startswith("params."):
                self.add_error(field if field in self.fields else None, problem.message)


def new_values() -> dict[str, Any]:
    """What the form of a new schedule begins with: the operator's own zone, the default customer."""
    return {"customer": DEFAULT_CUSTOMER, "time_zone": timezone.get_current_timezone_name()}


def values_of(schedule: Schedule) -> dict[str, Any]:
    """A schedule as its form shows it."""
    every, unit = _every(schedule.every_seconds or 900)
    return {
        "name": schedule.name,
        "customer": schedule.customer.key,
        "kind": schedule.kind,
        "cron": schedule.cron,
        "every": every,
        "unit": unit,
        "time_zone": schedule.time_zone,
    }


def zones() -> list[str]:
    """Every IANA zone, for the input's suggestions."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")


def spring_and_autumn(rule: TimeRule) -> bool:
    """Whether the rule's zone changes its clocks within a year, so that the screen says what happens then."""
    zone = fire_times.zone(rule.time_zone)
    now = timezone.now()
    offsets = {(now + timedelta(days=30 * month)).astimezone(zone).utcoffset() for month in range(12)}
    return rule.kind == fire_times.CRON and len(offsets) > 1


def _every(seconds: int) -> tuple[int, str]:
    fitting = [(seconds // length, unit) for unit, length in _UNITS.items() if seconds % length == 0]
    return fitting[-1]
