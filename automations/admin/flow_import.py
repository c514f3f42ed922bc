"""Uploading a recording of Chrome's DevTools Recorder: the flow made of it opens in the editor, and is not kept yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automations.admin.flow_editor import REFUSED, FlowEditorPages
from automations.admin.flow_facts import draft_of
from automations.forms.flow_documents import RecordingForm
from automations.models import AutomationKind
from automations.services.flow_drafts import Draft

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from automations.models import Automation
    from webgraph.documents.recordings.importing import ImportedFlow


class FlowImportPages(FlowEditorPages):
    """The editor, with recordings as another way into it."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The upload."""
        return [*super().extra_pages(), ("flows/from-recording/", self.import_flow_view, "import_flow")]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to upload one."""
        tools = super().list_tools(request)
        return [*tools, ("Import", self.url("import_flow"))] if self.may_write(request, "add") else tools

    def import_flow_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the file, then open what it says in the editor, beside what it does not say."""
        self.require_writing(request, "add")
        form = RecordingForm(request.POST or None, request.FILES or None)
        if form.is_valid():
            return self._opened(request, form.imported)
        return self.page(
            request,
            "review/flow/import.html",
            title="Import a recording",
            form=form,
            back=self.url("changelist"),
            status=REFUSED if form.is_bound else 200,
        )

    def _opened(self, request: HttpRequest, imported: ImportedFlow) -> HttpResponse:
        """The editor on what was imported: as a change of the flow of its key, where the operator may change that."""
        known: Automation | None = (
            self.get_queryset(request).filter(key=imported.key, kind=AutomationKind.FLOW).first()
        )
        if known is not None and not self.may_write(request, "change"):
            known = None
        begun = draft_of(known) if known is not None else Draft(text="")
        draft = Draft(text=imported.text, key=begun.key, based_on=begun.based_on)
        return self.editor(
            request, known, draft, imported=imported, left_out=[str(item) for item in imported.unsupported]
        )
