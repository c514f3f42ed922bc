"""The parts of forms that are the same whatever is asked for."""

from __future__ import annotations

from django import forms

from automations.models import DEFAULT_CUSTOMER, HIGHEST_PRIORITY, LOWEST_PRIORITY, Customer
from webgraph.recorder import EvidenceLevel

_LEVELS = {
    EvidenceLevel.DEFAULT: "Default: a picture and the page after each step",
    EvidenceLevel.FULL: "Full: before and after each step, and everything that went over the wire",
    EvidenceLevel.OFF: "Off: only if it fails",
}


class OptionsForm(forms.Form):
    """For whom a run is, and how much it keeps."""

    customer = forms.ModelChoiceField(
        queryset=Customer.objects.all(), to_field_name="key", initial=DEFAULT_CUSTOMER, label="Customer"
    )
    evidence_level = forms.ChoiceField(
        choices=[(level.value, words) for level, words in _LEVELS.items()], label="Evidence"
    )
    priority = forms.IntegerField(
        min_value=LOWEST_PRIORITY,
        max_value=HIGHEST_PRIORITY,
        required=False,
        initial=0,
        label="Priority",
        help_text="From -100 to 100. Of runs that wait for a worker, those with the higher one go first.",
    )


class ReasonForm(forms.Form):
    """Why something is done; may be left empty."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Kept in the log of the run.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
