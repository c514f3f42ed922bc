"""The inbox: what came, what became of it, and doing it once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html

from infra_shared.blobs.protocol import BlobError
from infra_shared.templatetags.console import when
from intake.admin import wording
from intake.admin.event_filters import LATE_QUERY, SourceFilter, StoredFilter, WaitingFilter
from intake.admin.event_page import read_body, read_event_page
from intake.admin.event_replays import EventReplays
from intake.admin.trials import TrialRow, row_of
from intake.errors import IntakeInvalidError
from intake.models import Event, Match, Trigger
from intake.services.bodies import body_of
from intake.services.event_filter import searched
from intake.services.triggers import Trial, input_of, try_trigger
from intake.states import EventState
from runs.admin import wording as run_wording
from runs.states import Cause

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from automations.errors import FieldProblem
    from intake.models import EventQuerySet

STOP_POLLING = 286
"""htmx swaps the answer in and asks no more."""
NOTHING_NEW = 204
TRIED_AT_ONCE = 20
# A sender wrote these bytes: they are saved, never shown, and whoever opens them all the same runs nothing here.
_SAFE_DOWNLOAD = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
run_wording.CAUSE_PAGES[Cause.EVENT] = wording.url_of_cause


@admin.register(Event)
class EventAdmin(EventReplays):
    """Events, newest first."""

    customer_field = "customer__key"
    list_title = "Event inbox"
    list_display = ("state_pill", "what", "outcome", "source_name", "received", "again", "customer")
    list_display_links = ("state_pill", "what")
    list_select_related = ("source", "customer")
    list_filter = (SourceFilter, "state", StoredFilter, WaitingFilter, "customer")
    search_fields = ("key__startswith", "type__startswith")
    search_help_text = "Id of the event or the message, or the beginning of a key or a type"
    ordering = ("-id",)
    usual_filters = (
        ("All", ""),
        *((state.label, f"state__exact={state.value}") for state in EventState),
        ("Waiting too long", LATE_QUERY),
    )
    empty_words = (
        "Nothing has come yet",
        "Make a source, give its address and secret to the sender, and let it send a webhook.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The part that updates itself, the body, the trial, and the replays."""
        return [
            ("<uuid:pk>/live/", self.live_view, "live"),
            ("<uuid:pk>/body/", self.body_view, "body"),
            ("<uuid:pk>/try/", self.try_view, "try"),
            *super().extra_pages(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Each with what its triggers made of it, and without its body."""
        matches = Match.objects.order_by("-replay", "id")
        rows: QuerySet[Event] = super().get_queryset(request)
        return rows.defer("body", "headers", "query").prefetch_related(Prefetch("matches", matches))

    def get_search_results(
        self, request: HttpRequest, queryset: EventQuerySet, search_term: str
    ) -> tuple[EventQuerySet, bool]:
        """One event by an id; else those whose key or type begins so."""
        return searched(queryset, search_term.strip()), False

    @admin.display(description="State")
    def state_pill(self, event: Event) -> str:
        """What its matches came to."""
        return wording.event_pill(event)

    @admin.display(description="Event")
    def what(self, event: Event) -> str:
        """Its type."""
        return format_html(
            '<span class="c-strong">{}</span> <span class="c-id">{}</span>',
            event.type or "event",
            event.short_id,
        )

    @admin.display(description="What became of it")
    def outcome(self, event: Event) -> str:
        """What was started, or why nothing was."""
        latest = [match for match in event.matches.all() if match.replay == event.replay]
        words = wording.sentence(event, latest) or wording.headline(event, latest)
        return format_html('<span class="c-clip" title="{}">{}</span>', words, words)

    @admin.display(description="Source")
    def source_name(self, event: Event) -> str:
        """Who sent it."""
        return event.source.slug

    @admin.display(description="Received")
    def received(self, event: Event) -> str:
        """When the edge took it."""
        return when(event.received_at)

    @admin.display(description="Came again")
    def again(self, event: Event) -> str:
        """How often the same came once more."""
        return f"{event.duplicates} time{'' if event.duplicates == 1 else 's'}" if event.duplicates else ""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Event | None:
        """One event with what its page names."""
        try:
            pk = UUID(str(object_id))
        except ValueError:
            return None
        rows = Event.objects.select_related("source", "customer", "blob")
        found: Event | None = self.within_reach(request, rows).filter(pk=pk).first()
        return found

    def row_page(self, request: HttpRequest, event: Event) -> HttpResponse:
        """One event: where it is on its way, what the triggers made of it, and what was sent."""
        return self.page(
            request,
            "review/intake/event/page.html",
            title=f"{event.type or 'Event'} {event.short_id}",
            body=read_body(event),
            **self._changing(request, event),
        )

    def live_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The changing part of the page: nothing while nothing happened, and the end of asking at the end."""
        self.require(request, "view")
        context = self._changing(request, self.found(request, pk))
        page = context["page"]
        if not page.is_settled and request.GET.get("seen") == page.stamp:
            return HttpResponse(status=NOTHING_NEW)
        status = STOP_POLLING if page.is_settled else 200
        return TemplateResponse(request, "review/intake/event/way.html", context, status=status)

    def body_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The body, byte for byte, as a file to be saved."""
        self.require(request, "view")
        event: Event = self.found(request, pk)
        try:
            body = body_of(event)
        except BlobError as error:
            return self.refused(request, str(error), self.url("change", pk))
        name = f"{event.source.slug}-{event.short_id}.bin"
        headers = {**_SAFE_DOWNLOAD, "Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(body, content_type="application/octet-stream", headers=headers)

    def try_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """What each trigger of the source would make of this event now; nothing is written."""
        self.require(request, "view")
        self.require_all(request, "intake.view_trigger")
        event: Event = self.found(request, pk)
        rows = Trigger.objects.present().filter(source=event.source).order_by("name", "pk")
        triggers = rows.select_related(
            "automation__latest_version__automation", "pinned_version__automation", "source"
        )
        return self.page(
            request,
            "review/intake/event/try.html",
            title=f"Triggers on {event.type or 'event'} {event.short_id}",
            event=event,
            tried=[(trigger, _tried(trigger, event)) for trigger in triggers[:TRIED_AT_ONCE]],
            may_add=event.source.deleted_at is None and request.user.has_perm("intake.add_trigger"),
            may_change=request.user.has_perm("intake.change_trigger"),
            back=self.url("change", pk),
        )

    def _changing(self, request: HttpRequest, event: Event) -> dict[str, Any]:
        page = read_event_page(event)
        return {
            "event": event,
            "page": page,
            "may_see_files": request.user.has_perm("runs.view_artifact"),
            "may_see_triggers": request.user.has_perm("intake.view_trigger"),
            **self.replay_context(request, event),
        }


def _tried(trigger: Trigger, event: Event) -> TrialRow:
    try:
        return row_of(try_trigger(wanted=input_of(trigger), events=[event])[0])
    except IntakeInvalidError as error:
        return row_of(Trial(event, matched=False, problem=_in_words(error.problems)))


def _in_words(problems: list[FieldProblem]) -> str:
    return " ".join(problem.message for problem in problems)
