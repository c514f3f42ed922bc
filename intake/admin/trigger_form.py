"""The form of a trigger, and the input it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from automations.models import Automation, AutomationVersion
from intake.models import MAX_EXPRESSION_LENGTH, Source
from intake.services.triggers import TriggerInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automations.errors import FieldProblem
    from intake.models import Trigger

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_UNNAMED = "New trigger"
_CODE = {"class": "c-code", "autocomplete": "off", "spellcheck": "false"}


class TriggerForm(forms.Form):
    """One trigger. `sources` are those the operator may choose from."""

    name = forms.CharField(
        max_length=200, label="Name", help_text="What people call it, such as “Snapshot after a release”."
    )
    source = forms.ModelChoiceField(queryset=Source.objects.none(), label="Source")
    event_type = forms.CharField(
        required=False,
        max_length=200,
        label="Type of event",
        help_text="Such as “release”; “pull_request*” for all that begin so. Empty: any.",
        widget=forms.TextInput(attrs={**_CODE, "list": "event-types"}),
    )
    filter = forms.CharField(
        required=False,
        max_length=MAX_EXPRESSION_LENGTH,
        label="Only when",
        help_text="JMESPath over the body, such as “action == 'published' && !release.draft”. Empty: always.",
        widget=forms.Textarea(attrs={**_CODE, "rows": 2}),
    )
    automation = forms.ModelChoiceField(
        queryset=Automation.objects.none(), to_field_name="key", label="Starts the automation"
    )
    mapping = forms.CharField(
        required=False,
        max_length=MAX_EXPRESSION_LENGTH,
        label="With these params",
        help_text="JMESPath that makes an object of the body, such as “{url: release.html_url}”. Empty: no params.",
        widget=forms.Textarea(attrs={**_CODE, "rows": 3}),
    )
    dedupe_every = forms.IntegerField(
        required=False, min_value=0, initial=0, label="Same params, one run within"
    )
    dedupe_unit = forms.ChoiceField(
        choices=[(unit, unit) for unit in _UNITS], initial="minutes", label="Unit"
    )
    version = forms.IntegerField(
        required=False,
        min_value=1,
        label="Version",
        help_text="Of the automation. Empty: always the latest that is published.",
    )
    is_enabled = forms.BooleanField(required=False, initial=True, label="In use")

    def __init__(self, *args: Any, sources: Any, present: Trigger | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._present = present
        automations = Automation.objects.runnable().select_related("latest_version__automation")
        if present is not None:
            automations = automations | Automation.objects.filter(pk=present.automation_id)
        self._field("source").queryset = (
            sources if present is None else Source.objects.filter(pk=present.source_id)
        )
        self._field("automation").queryset = automations.order_by("title")
        if present is not None:
            self.fields["source"].disabled = True

    def clean(self) -> dict[str, Any]:
        """The number of a version as the version itself."""
        entered: dict[str, Any] = super().clean() or self.cleaned_data
        automation, number = entered.get("automation"), entered.get("version")
        entered["pinned_version"] = None
        if automation is not None and number:
            rows = AutomationVersion.objects.filter(automation=automation, number=number)
            entered["pinned_version"] = rows.select_related("automation").first()
            if entered["pinned_version"] is None:
                self.add_error("version", f"{automation.title} has no version {number}.")
        return entered

    def draft(self) -> TriggerInput | None:
        """What is entered so far, good enough to be tried; None while source or automation is missing."""
        self.is_valid()
        entered = self.cleaned_data
        if not entered.get("source") or not entered.get("automation"):
            return None
        texts = {name: entered.get(name, "") for name in ("event_type", "filter", "mapping")}
        return TriggerInput(
            source=entered["source"],
            automation=entered["automation"],
            name=entered.get("name") or _UNNAMED,
            dedupe_seconds=self._dedupe_seconds(),
            pinned_version=entered.get("pinned_version"),
            is_enabled=entered.get("is_enabled", True),
            **texts,
        )

    def wanted(self) -> TriggerInput:
        """What a valid form says."""
        wanted = self.draft()
        assert wanted is not None  # a valid form has a source and an automation
        return wanted

    def show_problems(self, problems: Iterable[FieldProblem]) -> None:
        """Put what the server found wrong beside the fields it is about."""
        fields = {"dedupe_seconds": "dedupe_every", "pinned_version": "version"}
        for problem in problems:
            field = fields.get(problem.field, problem.field)
            self.add_error(field if field in self.fields else None, problem.message)

    def _dedupe_seconds(self) -> int:
        every, unit = self.cleaned_data.get("dedupe_every"), self.cleaned_data.get("dedupe_unit", "seconds")
        return int(every or 0) * _UNITS[unit]

    def _field(self, name: str) -> forms.ModelChoiceField[Any]:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        return field


def values_of(trigger: Trigger) -> dict[str, Any]:
    """A trigger as its form shows it."""
    seconds = trigger.dedupe_seconds
    unit = next(unit for unit in reversed(_UNITS) if seconds % _UNITS[unit] == 0) if seconds else "minutes"
    same = ("name", "event_type", "filter", "mapping", "is_enabled")
    return {
        **{name: getattr(trigger, name) for name in same},
        "source": trigger.source_id,
        "automation": trigger.automation.key,
        "dedupe_every": seconds // _UNITS[unit],
        "dedupe_unit": unit,
        "version": trigger.pinned_version.number if trigger.pinned_version else None,
    }
