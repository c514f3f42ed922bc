"""Heal proposals in the console: what was found another way, how it looked, and what adopting would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Value, When
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from PIL import UnidentifiedImageError

from automations.errors import AutomationsError
from automations.models import AutomationKind, HealProposal, HealState
from automations.services.healing import adopt, is_moot, refuse
from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.blobs.protocol import BlobError
from infra_shared.overview import Panel, register
from infra_shared.templatetags.console import NOTHING, pill, when
from runs.admin.heal_views import read_heal, selector_of
from runs.services.artifact_content import content_headers
from runs.services.crops import crop, is_in_view, picture_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

_TONES = {
    HealState.OPEN: "waiting_input",
    HealState.ADOPTED: "active",
    HealState.REFUSED: "refused",
    HealState.SUPERSEDED: "plain",
}
ON_OVERVIEW = 6
_OPEN_FIRST = Case(When(state=HealState.OPEN, then=Value(0)), default=Value(1))


class ReasonForm(forms.Form):
    """Why it was decided so."""

    reason = forms.CharField(
        required=False, max_length=500, label="Why", help_text="For the audit log; may stay empty."
    )


@admin.register(HealProposal)
class HealAdmin(ConsoleAdmin):
    """Proposals, the open ones first. They change what runs for every customer, so all of them must be in reach."""

    need_full_reach = True
    list_display = ("state_pill", "what", "pictures", "change", "runs_so_far", "last")
    list_display_links = ("state_pill", "what")
    list_select_related = ("automation",)
    list_filter = ("state", "automation")
    list_title = "Targets found another way"
    usual_filters = (
        ("All", ""),
        *((state.label, f"state__exact={state.value}") for state in HealState),
    )
    search_fields = ("automation__key__startswith",)
    search_help_text = "The beginning of an automation's key"
    ordering = (_OPEN_FIRST, "-last_seen_at", "-id")
    empty_words = (
        "Every target is found as it is written",
        "When a run finds one another way and succeeds, how it could be written anew stands here.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The pictures, and the two decisions."""
        return [
            ("<int:pk>/<slug:which>.jpg", self.picture_view, "picture"),
            ("<int:pk>/adopt/", self.adopt_view, "adopt"),
            ("<int:pk>/refuse/", self.refuse_view, "refuse"),
        ]

    @admin.display(description="State")
    def state_pill(self, proposal: HealProposal) -> str:
        """What became of it."""
        return pill(_TONES[HealState(proposal.state)], proposal.get_state_display())

    @admin.display(description="Step")
    def what(self, proposal: HealProposal) -> str:
        """The step that found its target another way, and whose it is."""
        return format_html(
            '<span class="c-strong">{}</span> <span class="c-soft">{}</span>',
            proposal.description,
            proposal.automation,
        )

    @admin.display(description="Then and now")
    def pictures(self, proposal: HealProposal) -> str:
        """The control as it was last found as written, and as it is now."""
        shown = [
            format_html(
                '<img loading="lazy" alt="{}" src="{}">', words, self.url("picture", proposal.pk, which)
            )
            for which, words in (("before", "Before"), ("now", "Now"))
            if _place(proposal, which) is not None
        ]
        return format_html('<span class="c-pair-thumbs">{}{}</span>', *[*shown, ""][:2]) if shown else NOTHING

    @admin.display(description="Change")
    def change(self, proposal: HealProposal) -> str:
        """The first selector of the old target and of the new one."""
        return format_html(
            '<span class="c-was c-code c-clip">{}</span><span class="c-code c-clip" title="{}">{}</span>',
            selector_of(proposal.old_target),
            selector_of(proposal.new_target),
            selector_of(proposal.new_target),
        )

    @admin.display(description="Runs that agree")
    def runs_so_far(self, proposal: HealProposal) -> str:
        """In how many runs it was so, and in how many not."""
        against = f" ({proposal.disagreed} did not)" if proposal.disagreed else ""
        return f"{proposal.agreed}{against}"

    @admin.display(description="Last seen")
    def last(self, proposal: HealProposal) -> str:
        """When a run proposed it last."""
        return when(proposal.last_seen_at)

    def row_page(self, request: HttpRequest, proposal: HealProposal) -> HttpResponse:
        """One proposal: how the control looked, what would change, and who agrees."""
        may_decide = self.may(request, "adopt")
        tools = []
        moot = is_moot(proposal)
        if may_decide and proposal.state == HealState.OPEN:
            tools = [("Refuse", self.url("refuse", proposal.pk))]
            if not moot:
                tools.insert(0, ("Adopt", self.url("adopt", proposal.pk)))
        elif may_decide and _may_be_withdrawn(proposal):
            tools = [("Apply it no more", self.url("refuse", proposal.pk))]
        view = read_heal(proposal)
        return self.page(
            request,
            "review/heal.html",
            title=proposal.description,
            proposal=proposal,
            state=_TONES[HealState(proposal.state)],
            is_moot=moot,
            is_code=proposal.automation.kind == AutomationKind.PYTHON,
            view=view,
            may_see_files=request.user.has_perm("runs.view_artifact"),
            pictures=[
                (which, words, self.url("picture", proposal.pk, which) if _place(proposal, which) else "")
                for which, words in (
                    ("before", "When it was last found as written"),
                    ("now", "As it was found now"),
                )
            ],
            tools=tools,
        )

    def picture_view(self, request: HttpRequest, pk: int, which: str) -> HttpResponse:
        """The part of a run's picture that shows the control, `before` or `now`."""
        self.require(request, "view")
        if not request.user.has_perm("runs.view_artifact"):
            raise PermissionDenied
        proposal: HealProposal = self.found(request, pk)
        place = _place(proposal, which)
        artifact = picture_of(place[0]) if place is not None else None
        if place is None or artifact is None:
            raise Http404("There is no such picture any more.")
        try:
            body = crop(artifact, place[1])
        except (BlobError, UnidentifiedImageError) as error:
            raise Http404(f"The picture cannot be read: {error}") from error
        return HttpResponse(body, headers={**content_headers(artifact), "Content-Type": "image/jpeg"})

    def adopt_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Adopt it, after asking."""
        proposal: HealProposal = self.found(request, pk)
        in_code = proposal.automation.kind == AutomationKind.PYTHON
        words = (
            "From the next run on, the new target is looked for in place of the old one. The code stays as it is."
            if in_code
            else "The document is changed in this one place and published as a new version."
        )
        done = "It is adopted: the next run looks for the new target."
        return self._decided(request, proposal, adopt, ("Adopt", words, done))

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Refuse it, after asking."""
        words = "This selector is not proposed for this target again."
        done = "It is refused, and is not proposed again."
        return self._decided(request, self.found(request, pk), refuse, ("Refuse", words, done))

    def _decided(
        self,
        request: HttpRequest,
        proposal: HealProposal,
        decide: Callable[..., HealProposal],
        words: tuple[str, str, str],
    ) -> HttpResponse:
        self.require(request, "adopt")
        submit, warning, done = words
        back = self.url("change", proposal.pk)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                decide(proposal_id=proposal.pk, actor=actor(request), reason=form.cleaned_data["reason"])
            except AutomationsError as error:
                return self.refused(request, str(error), back)
            return self.done(request, done, back)
        return self.page(
            request,
            "review/form.html",
            title=f"{submit}: {proposal.description}",
            form=form,
            submit=submit,
            back=back,
            warning=warning,
        )


def _panel(_request: HttpRequest) -> dict[str, Any]:
    rows = HealProposal.objects.open().select_related("automation").order_by("-last_seen_at")
    return {
        "heals": rows[:ON_OVERVIEW],
        "more_url": reverse("admin:automations_healproposal_changelist"),
    }


register(
    Panel(
        title="Targets found another way",
        template="review/panels/heals.html",
        facts=_panel,
        permission="automations.view_healproposal",
        need_full_reach=True,
        order=45,
    )
)


def _place(proposal: HealProposal, which: str) -> tuple[Any, Any] | None:
    """The picture and the place in it, `before` or `now`; None where no picture shows the control."""
    kept = {
        "before": (proposal.before_picture, proposal.before_box),
        "now": (proposal.after_picture, proposal.seen.get("box")),
    }
    picture, box = kept.get(which, (None, None))
    return (picture, box) if picture is not None and is_in_view(box) else None


def _may_be_withdrawn(proposal: HealProposal) -> bool:
    return proposal.state == HealState.ADOPTED and proposal.automation.kind == AutomationKind.PYTHON
