"""Flow documents in the console: written, checked, compared, published and rolled back. Nothing is kept before that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.response import TemplateResponse

from automations.admin.differences import differences
from automations.admin.flow_facts import draft_of, facts_of
from automations.errors import AutomationsError, FlowChangedError, FlowRefusedError
from automations.forms.flow_documents import STARTING_TEXT, DraftForm, PublicationForm
from automations.services.flow_drafts import Draft, publish_draft, roll_back_from
from automations.services.flows import DOCUMENTS
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.reach import reaches_all

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from automations.models import Automation, AutomationVersion

REFUSED, CONFLICT = 422, 409


class FlowEditorPages(ConsoleAdmin):
    """The editor of flow documents. Its pages hand the draft on to one another, so that no error loses it."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """A new document, the document of a flow, and going back to an earlier version."""
        return [
            *super().extra_pages(),
            ("flows/new/", self.new_flow_view, "new_flow"),
            ("<int:pk>/flow/", self.edit_flow_view, "edit_flow"),
            ("<int:pk>/versions/<int:number>/roll-back/", self.roll_back_view, "roll_back"),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to write one."""
        tools = super().list_tools(request)
        return [*tools, ("New flow", self.url("new_flow"))] if self.may_write(request, "add") else tools

    def may_write(self, request: HttpRequest, action: str) -> bool:
        """Whether the operator may write flows: they run for every customer, so a partial reach is not enough."""
        return self.may(request, action) and reaches_all(request.user)

    def flow_tools(self, request: HttpRequest, automation: Automation) -> list[tuple[str, str]]:
        """The buttons of a flow's page: edit its document, or else read it."""
        if automation.kind not in DOCUMENTS:
            return []
        if self.may_write(request, "change"):
            return [("Edit", self.url("edit_flow", automation.pk))]
        latest = automation.latest_version
        return [("Read", self.url("version", automation.pk, latest.number))] if latest is not None else []

    def version_tools(self, request: HttpRequest, version: AutomationVersion) -> list[tuple[str, str]]:
        """The button of an earlier version's page: make it what runs."""
        automation = version.automation
        is_earlier = automation.kind in DOCUMENTS and automation.latest_version_id != version.pk
        if not is_earlier or not self.may_write(request, "change"):
            return []
        return [("Roll back to this", self.url("roll_back", automation.pk, version.number))]

    def new_flow_view(self, request: HttpRequest) -> HttpResponse:
        """The editor on a small document that can be run as it is."""
        self.require_writing(request, "add")
        return self._work_on(request, None, Draft(text=STARTING_TEXT))

    def edit_flow_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The editor on the published document of a flow."""
        self.require_writing(request, "change")
        automation: Automation = self.found(request, pk)
        if automation.kind not in DOCUMENTS:
            msg = f"{automation} is written in Python: change its module."
            raise Http404(msg)
        return self._work_on(request, automation, draft_of(automation))

    def require_writing(self, request: HttpRequest, action: str) -> None:
        """Raise PermissionDenied unless the operator may write flows."""
        if not self.may_write(request, action):
            raise PermissionDenied

    def editor(
        self,
        request: HttpRequest,
        automation: Automation | None,
        draft: Draft,
        *,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        """The page of the editor with what the check says of a draft."""
        form = context.pop("form", None) or DraftForm(
            initial={"text": draft.text, "based_on": draft.based_on}
        )
        return self.page(
            request,
            "review/flow/editor.html",
            title=f"Edit {automation.title}" if automation else "New flow document",
            status=status,
            form=form,
            action=self.url("edit_flow", automation.pk) if automation else self.url("new_flow"),
            back=self.url("change", automation.pk) if automation else self.url("changelist"),
            reference_url=self.url("flow_reference"),
            **{"left_out": request.POST.getlist("left_out"), **facts_of(draft, automation), **context},
        )

    def _work_on(self, request: HttpRequest, automation: Automation | None, begun: Draft) -> HttpResponse:
        """One turn of the editor: what the operator asked to do with the draft."""
        if request.method != "POST":
            return self.editor(request, automation, begun)
        form = DraftForm(request.POST)
        if not form.is_valid():
            given = replace(begun, text=request.POST.get("text", ""))
            return self.editor(request, automation, given, form=form, status=REFUSED)
        turns = {"rebase": self._rebase, "review": self._review, "publish": self._publish}
        turn = turns.get(request.POST.get("do", ""), self._check)
        return turn(request, automation, form.draft(automation.key if automation else ""), form)

    def _check(
        self, request: HttpRequest, automation: Automation | None, draft: Draft, form: DraftForm
    ) -> HttpResponse:
        """The editor again, or only what the check says where the page itself stays."""
        if "HX-Request" in request.headers:
            return TemplateResponse(request, "review/flow/checked.html", facts_of(draft, automation))
        return self.editor(request, automation, draft, form=form)

    def _rebase(
        self, request: HttpRequest, automation: Automation | None, draft: Draft, form: DraftForm
    ) -> HttpResponse:
        """The editor with the same text, from now on over what is published now."""
        del form  # it says what the draft began from
        published = draft_of(automation).based_on if automation else 0
        return self.editor(request, automation, replace(draft, based_on=published))

    def _review(
        self, request: HttpRequest, automation: Automation | None, draft: Draft, form: DraftForm
    ) -> HttpResponse:
        """Show what would be published; back in the editor when it cannot be."""
        facts = facts_of(draft, automation)
        if facts["problems"] or "theirs" in facts:
            status = CONFLICT if "theirs" in facts else REFUSED
            return self.editor(request, automation, draft, form=form, status=status)
        return self.page(
            request,
            "review/flow/publish.html",
            title=f"Publish {facts['outline'].title}",
            form=form,
            action=self.url("edit_flow", automation.pk) if automation else self.url("new_flow"),
            published=automation.latest_version if automation else None,
            left_out=request.POST.getlist("left_out"),
            **facts,
        )

    def _publish(
        self, request: HttpRequest, automation: Automation | None, draft: Draft, form: DraftForm
    ) -> HttpResponse:
        try:
            version = publish_draft(draft=draft, actor=actor(request), reason=form.cleaned_data["reason"])
        except FlowChangedError:
            if automation is not None:
                automation.refresh_from_db(fields=["latest_version"])
            return self.editor(request, automation, draft, form=form, status=CONFLICT)
        except FlowRefusedError:
            # The check of the editor says why.
            return self.editor(request, automation, draft, form=form, status=REFUSED)
        except AutomationsError as error:
            form.add_error(None, str(error))
            return self.editor(request, automation, draft, form=form, status=REFUSED)
        return self.done(request, f"{version} is published.", self.url("change", version.automation_id))

    def roll_back_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Show what an earlier version would change back, then publish it."""
        self.require_writing(request, "change")
        automation: Automation = self.found(request, pk)
        latest = automation.latest_version
        version = automation.versions.filter(number=number).first()
        if automation.kind not in DOCUMENTS or version is None or version == latest:
            msg = f"{automation} cannot be rolled back to version {number}."
            raise Http404(msg)
        form = PublicationForm(request.POST or None, initial={"based_on": latest.number if latest else 0})
        if request.method == "POST" and form.is_valid():
            try:
                roll_back_from(key=automation.key, number=number, actor=actor(request), **form.cleaned_data)
            except FlowChangedError as error:
                return self.refused(request, str(error), self.url("version", pk, number))
            except AutomationsError as error:
                form.add_error(None, str(error))
            else:
                return self.done(request, f"{version} is published again.", self.url("change", pk))
        return self.page(
            request,
            "review/flow/roll_back.html",
            title=f"Roll back to version {number}",
            section=(automation.title, self.url("change", pk)),
            form=form,
            version=version,
            published=latest,
            differences=differences(latest, version) if latest is not None else [],
            back=self.url("version", pk, number),
            status=REFUSED if form.is_bound else 200,
        )
