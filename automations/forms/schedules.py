"""The form of a schedule, and the input it stands for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone

from automations import fire_times
from automations.fire_times import Gap, Repeated, TimeRule, TimeRuleError
from automations.models import (
    DEFAULT_CUSTOMER,
    DEFAULT_GRACE_SECONDS,
    DEFAULT_MISFIRE_LIMIT,
    HIGHEST_PRIORITY,
    LOWEST_PRIORITY,
    Customer,
    Misfire,
    Overlap,
    ScheduleKind,
)
from automations.services.schedule_input import ScheduleInput
from automations.services.schedules import rule_of
from infra_shared.templatetags.console import span

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from automations.errors import FieldProblem
    from automations.models import Automation, Schedule

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_MISFIRE = {
    Misfire.LATEST: "Fire the latest alone: it stands for the others",
    Misfire.SKIP: "Leave them out",
    Misfire.ALL: "Fire all of them, up to a number",
}
_OVERLAP = {
    Overlap.ALLOW: "Fire all the same: both runs go on beside each other",
    Overlap.SKIP: "Leave the new time out",
    Overlap.QUEUE: "Let the new time wait: one at most, later ones are left out",
    Overlap.CANCEL_RUNNING: "Cancel the earlier run, and start when it has ended",
}


class MomentField(forms.CharField):
    """A moment as a clock shows it, in a zone that another field names: cleaned to a naive time, None when empty."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"})

    def clean(self, value: Any) -> Any:
        """The naive time."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return datetime.fromisoformat(text).replace(tzinfo=None)
        except ValueError as error:
            raise forms.ValidationError("Enter date and time, such as 2026-12-24T06:30.") from error


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
    anchor = MomentField(
        required=False,
        label="Counted from",
        help_text="“Every 6 hours” from 06:30 fires at 06:30, 12:30, 18:30, 00:30. Empty: from the moment it is saved.",
    )
    once = MomentField(required=False, label="Fires at")
    time_zone = forms.CharField(
        label="Time zone",
        help_text="All times here are meant in this zone.",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )
    gap = forms.ChoiceField(
        choices=[(key.value, words) for key, words in fire_times.GAP_CHOICES.items()],
        initial=Gap.AS_CRON.value,
        label="A time that clocks jump over in spring",
        widget=forms.RadioSelect,
    )
    repeated = forms.ChoiceField(
        choices=[(key.value, words) for key, words in fire_times.REPEATED_CHOICES.items()],
        initial=Repeated.AS_CRON.value,
        label="A time that clocks show twice in autumn",
        widget=forms.RadioSelect,
    )
    spread_seconds = forms.IntegerField(
        min_value=0,
        initial=0,
        label="Spread over (seconds)",
        help_text="Keeps schedules of the same minute from starting at once: this one fires later than planned, always by "
        "the same part of so many seconds. 0: exactly when planned.",
    )
    misfire = forms.ChoiceField(
        choices=[(key.value, words) for key, words in _MISFIRE.items()],
        initial=Misfire.LATEST.value,
        label="Times that passed while nothing was running",
        widget=forms.RadioSelect,
    )
    misfire_grace_seconds = forms.IntegerField(
        min_value=0,
        initial=DEFAULT_GRACE_SECONDS,
        label="Grace (seconds)",
        help_text="A time that can still be fired within its grace is just late: it fires, whatever is chosen above.",
    )
    misfire_limit = forms.IntegerField(
        min_value=1, initial=DEFAULT_MISFIRE_LIMIT, label="How many at most", help_text="The latest ones."
    )
    overlap = forms.ChoiceField(
        choices=[(key.value, words) for key, words in _OVERLAP.items()],
        initial=Overlap.ALLOW.value,
        label="When an earlier run of this schedule has not ended",
        widget=forms.RadioSelect,
    )
    pause_after_failures = forms.IntegerField(
        min_value=0,
        initial=0,
        label="Pause after failures in a row",
        help_text="With an alert. 0: it goes on, however often its runs fail.",
    )
    priority = forms.IntegerField(
        min_value=LOWEST_PRIORITY,
        max_value=HIGHEST_PRIORITY,
        required=False,
        initial=0,
        label="Priority",
        help_text="From -100 to 100. Of runs that wait for a worker, those with the higher one go first.",
    )

    def wanted(self, *, automation: Automation, params: dict[str, Any]) -> ScheduleInput:
        """What the form says. Call on a bound form; before it is valid, for its time rule alone."""
        self.is_valid()  # cleans once; what was found wrong so far stays
        entered = self.cleaned_data
        seconds = entered.get("every")
        plain = ("gap", "repeated", "spread_seconds", "misfire", "misfire_grace_seconds", "misfire_limit")
        said = {
            name: entered[name] for name in (*plain, "overlap", "pause_after_failures") if name in entered
        }
        said["priority"] = entered.get("priority") or 0
        return ScheduleInput(
            name=entered.get("name", ""),
            automation=automation,
            customer=entered.get("customer"),  # type: ignore[arg-type]  # missing only in a form that is not valid
            kind=entered.get("kind", fire_times.CRON),
            cron=entered.get("cron", ""),
            every_seconds=seconds * _UNITS[entered.get("unit", "seconds")] if seconds else None,
            anchor_at=self._moment("anchor"),
            once_at=self._moment("once"),
            time_zone=entered.get("time_zone", ""),
            params=params,
            **said,
        )

    def rule(self, present: Schedule | None = None) -> TimeRule:
        """The time rule as entered so far; it may be one that cannot fire."""
        wanted = self.wanted(automation=None, params={})  # type: ignore[arg-type]  # a rule knows no automation
        return rule_of(wanted, now=timezone.now(), present=present)

    def show_problems(self, problems: Iterable[FieldProblem]) -> None:
        """Put what the server found wrong beside the fields it is about; those of params are left to their form."""
        fields = {"every_seconds": "every", "anchor_at": "anchor", "once_at": "once"}
        for problem in problems:
            field = fields.get(problem.field, problem.field)
            if not field.startswith("params."):
                self.add_error(field if field in self.fields else None, problem.message)

    def _moment(self, name: str) -> datetime | None:
        local: datetime | None = self.cleaned_data.get(name)
        try:
            own = fire_times.zone(self.cleaned_data.get("time_zone", ""))
        except TimeRuleError:  # told at its own field
            return None
        return in_zone(local, own) if local is not None else None


class BackfillForm(forms.Form):
    """A range of planned times, in the schedule's zone."""

    begin = MomentField(label="From", help_text="From this time on.")
    end = MomentField(label="Until", help_text="Before this time.")

    def range(self, own: ZoneInfo) -> tuple[datetime, datetime]:
        """The two moments of a valid form."""
        return in_zone(self.cleaned_data["begin"], own), in_zone(self.cleaned_data["end"], own)


def in_zone(local: datetime, own: ZoneInfo) -> datetime:
    """What a clock in the zone shows as a moment."""
    return local.replace(tzinfo=own).astimezone(UTC)


def shown_in(moment: datetime | None, own: ZoneInfo) -> str:
    """A moment as a field for date and time takes it; to the second, as schedules are."""
    return moment.astimezone(own).replace(tzinfo=None).isoformat(timespec="seconds") if moment else ""


def new_values() -> dict[str, Any]:
    """What the form of a new schedule begins with: the operator's own zone, the default customer."""
    return {"customer": DEFAULT_CUSTOMER, "time_zone": timezone.get_current_timezone_name()}


def values_of(schedule: Schedule) -> dict[str, Any]:
    """A schedule as its form shows it."""
    every, unit = _every(schedule.every_seconds or 900)
    own = fire_times.zone(schedule.time_zone)
    same = (
        "name kind cron time_zone gap repeated spread_seconds misfire misfire_grace_seconds misfire_limit overlap "
        "pause_after_failures priority"
    )
    return {
        **{name: getattr(schedule, name) for name in same.split()},
        "customer": schedule.customer.key,
        "every": every,
        "unit": unit,
        "anchor": shown_in(schedule.anchor_at, own),
        "once": shown_in(schedule.once_at, own),
    }


def choices_in_words(schedule: Schedule) -> list[tuple[str, str]]:
    """What the schedule does when things do not go as planned: question and answer."""
    found = [("Clocks change", fire_times.clocks_in_words(schedule.rule))]
    if schedule.spread_seconds:
        window = span(schedule.spread_seconds)
        found.append(("Spread", f"Fires {span(schedule.offset)} later than planned: its part of {window}."))
    late = _MISFIRE[Misfire(schedule.misfire)]
    limit = f": {schedule.misfire_limit}" if schedule.misfire == Misfire.ALL else ""
    found.append(("Times that passed", f"{late}{limit}. Grace: {schedule.misfire_grace_seconds} s."))
    found.append(("Earlier run goes on", f"{_OVERLAP[Overlap(schedule.overlap)]}."))
    if schedule.pause_after_failures:
        found.append(("Failures", f"Pauses itself after {schedule.pause_after_failures} in a row."))
    if schedule.priority:
        found.append(
            (
                "Priority",
                f"{schedule.priority}: its runs go {'before' if schedule.priority > 0 else 'behind'} others.",
            )
        )
    return [(question, answer) for question, answer in found if answer]


def zones() -> list[str]:
    """Every IANA zone, for the input's suggestions."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")


def _every(seconds: int) -> tuple[int, str]:
    fitting = [(seconds // length, unit) for unit, length in _UNITS.items() if seconds % length == 0]
    return fitting[-1]
