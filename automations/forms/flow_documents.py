"""What the flow editor and the upload of recordings take in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from automations.models.customer import key_validator
from automations.services.flow_drafts import Draft
from webgraph.documents.recordings.format import LARGEST_BYTES, RecordingError
from webgraph.documents.recordings.importing import ImportedFlow, import_recording
from webgraph.recorder import Effect

_EFFECTS = (
    (Effect.COMMIT.value, "Commit: counts once"),
    (Effect.IDEMPOTENT.value, "Idempotent: may be repeated"),
    (Effect.READ.value, "Read: only looks"),
)
STARTING_TEXT = """\
key: my-first-flow
title: Read the heading of a page
params:
  url: {type: url, title: Address}
targets:
  heading: {css: h1, role: heading, called: heading}
stages:
  - name: read
    title: Read the heading
    effect: read
    steps:
      - goto: "{{ params.url }}"
      - text: heading
        into: heading
result:
  heading: {value: "{{ state.heading }}"}
"""


class PublicationForm(forms.Form):
    """Why another version is to run, and the number of the one that was published when that was decided."""

    based_on = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=500,
        help_text="Why it changes. It stands in the audit log.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class DraftForm(PublicationForm):
    """A draft on its way through the pages of the editor. Its text comes back exactly as it was typed."""

    text = forms.CharField(
        label="Flow document",
        strip=False,
        required=False,
        widget=forms.Textarea(
            attrs={
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
                "wrap": "off",
                "aria-describedby": "flow-keys flow-verdict",
            }
        ),
    )

    def clean_text(self) -> str:
        """The text with the line ends of files: browsers send others, which would make another version of it."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n").replace("\r", "\n")

    def draft(self, key: str) -> Draft:
        """The draft of a valid form; `key` names the flow it is to change, empty for a new one."""
        return Draft(text=self.cleaned_data["text"], key=key, based_on=self.cleaned_data["based_on"])


class RecordingForm(forms.Form):
    """A recording of Chrome's DevTools Recorder; valid when it is one, and `imported` is the flow made of it."""

    imported: ImportedFlow

    file = forms.FileField(
        label="Recording",
        help_text="In Chrome's DevTools open the Recorder, choose Export and then JSON. Of at most 2 MiB.",
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    effect = forms.ChoiceField(
        label="What its steps do to the outside world",
        choices=_EFFECTS,
        initial=Effect.COMMIT.value,
        help_text="A recording does not say. Commit is the careful choice: an attempt that breaks off is looked at by a "
        "person. In the editor it can be cut into stages with effects of their own.",
    )
    key = forms.CharField(
        label="Key",
        required=False,
        max_length=100,
        validators=[key_validator],
        help_text="Lower-case words joined by hyphens; else made from the recording's title.",
    )
    credential = forms.CharField(
        label="Credential",
        required=False,
        max_length=100,
        validators=[key_validator],
        help_text="Where typed passwords come from; else named after the site. The passwords themselves are not kept.",
    )

    def clean_file(self) -> str:
        """The text of the uploaded file; refused unread when it is too large."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_BYTES:
            raise ValidationError(f"The recording is larger than {LARGEST_BYTES // 1024} KiB.")
        try:
            return bytes(file.read()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValidationError(
                "This is not a text in UTF-8. Export the recording as JSON and upload that file."
            ) from error

    def clean(self) -> dict[str, Any]:
        """Turn it into a flow; what is wrong with the recording is said beside the file."""
        given = super().clean() or {}
        if self.errors:
            return given
        try:
            self.imported = import_recording(
                given["file"],
                key=given["key"] or None,
                credential=given["credential"] or None,
                effect=Effect(given["effect"]),
            )
        except RecordingError as error:
            self.add_error("file", str(error))
        return given
