"""Dead letters in the console: what the edge gave up on, why, and sending it once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin import EmptyFieldListFilter
from django.http import Http404
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.reach import customers_of, reaches_all
from infra_shared.templatetags.console import pill, when
from intake.admin.event_filters import SourceFilter
from intake.admin.wording import event_url
from intake.errors import EdgeUnreachableError
from intake.models import DeadLetter, Event, Source
from intake.services.edge_letters import redrive

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

OPEN_QUERY = "delivered_at__isempty=1"
LETTERS_SHOWN = 20


class RedriveForm(forms.Form):
    """Why letters are sent again."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Such as what was mended. Kept in the audit log.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@admin.register(DeadLetter)
class DeadLetterAdmin(ConsoleAdmin):
    """Messages that never became events, the latest first. The edge keeps their bodies."""

    customer_field = "source__customer__key"
    list_title = "Dead letters"
    list_display = ("state_pill", "what", "why", "received", "died", "tries", "redriven")
    list_display_links = ("state_pill", "what")
    list_filter = (SourceFilter, ("delivered_at", EmptyFieldListFilter))
    search_fields = ("slug__startswith", "key__startswith")
    search_help_text = "The beginning of the source's name or of the key"
    ordering = ("-dead_at", "-id")
    usual_filters = (("Open", OPEN_QUERY), ("Delivered since", "delivered_at__isempty=0"), ("All", ""))
    empty_words = (
        "No dead letter",
        "What the edge cannot hand over, however often it tries, is kept there and listed here.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Sending one again, and sending many."""
        return [
            ("redrive/", self.redrive_many_view, "redrive_many"),
            ("<int:pk>/redrive/", self.redrive_view, "redrive"),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button for all, or for all of the source that the list is narrowed to."""
        source = request.GET.get("source__id__exact", "")
        if not self.may(request, "redrive") or not (source or reaches_all(request.user)):
            return []
        return [("Redrive these" if source else "Redrive all", self._many_url(source))]

    @admin.display(description="State")
    def state_pill(self, letter: DeadLetter) -> str:
        """Whether it came through after all."""
        return pill("succeeded", "delivered") if letter.delivered_at else pill("open")

    @admin.display(description="Source")
    def what(self, letter: DeadLetter) -> str:
        """Who sent it, and the end of its id."""
        return format_html(
            '<span class="c-strong">{}</span> <span class="c-id">{}</span>',
            letter.slug,
            str(letter.message_id)[-8:],
        )

    @admin.display(description="Reason")
    def why(self, letter: DeadLetter) -> str:
        """Why the edge gave up."""
        return format_html('<span class="c-clip" title="{}">{}</span>', letter.reason, letter.reason)

    @admin.display(description="Received")
    def received(self, letter: DeadLetter) -> str:
        """When the edge took it."""
        return when(letter.received_at)

    @admin.display(description="Given up")
    def died(self, letter: DeadLetter) -> str:
        """When the edge gave up."""
        return when(letter.dead_at)

    @admin.display(description="Tries")
    def tries(self, letter: DeadLetter) -> str:
        """How often the edge tried to hand it over."""
        return str(letter.edge_attempts)

    @admin.display(description="Redriven")
    def redriven(self, letter: DeadLetter) -> str:
        """How often it was sent again."""
        return f"{letter.redrives} time{'' if letter.redrives == 1 else 's'}" if letter.redrives else ""

    def row_page(self, request: HttpRequest, letter: DeadLetter) -> HttpResponse:
        """One letter: everything but its body, which the edge keeps."""
        event = Event.objects.filter(message_id=letter.message_id).only("pk", "type").first()
        rows = [
            ("State", self.state_pill(letter)),
            ("Source", letter.slug),
            ("Received", self.received(letter)),
            ("Given up", self.died(letter)),
            ("Tries", self.tries(letter)),
            ("Redriven", self.redriven(letter) or "never"),
            ("Delivered", when(letter.delivered_at, empty="not yet")),
            ("Scheme", letter.scheme),
            ("Content type", letter.content_type),
            ("Size", filesizeformat(letter.size_bytes)),
            ("Key", letter.key),
            ("Message", letter.message_id),
            ("SHA-256 of the body", letter.sha256),
        ]
        return self.page(
            request,
            "review/intake/letter.html",
            title=f"Dead letter {str(letter.message_id)[-8:]}",
            letter=letter,
            rows=rows,
            event_url=event_url(event.pk) if event is not None else "",
            may_redrive=letter.delivered_at is None and self.may(request, "redrive"),
        )

    def redrive_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have the edge send one letter again; nothing is lost, so nothing is asked."""
        self.require(request, "redrive")
        letter: DeadLetter = self.found(request, pk)
        back = self.url("change", pk)
        if request.method != "POST":
            return self.refused(request, "Use the button to redrive a letter.", back)
        try:
            done = redrive(actor=actor(request), ids=[letter.message_id], dry_run=False)
        except EdgeUnreachableError as error:
            return self.refused(request, str(error), back)
        if not done.sent:
            return self.refused(request, "The edge has no such letter any more.", back)
        return self.done(
            request, "The edge sends it again. It arrives within a minute, or is back here.", back
        )

    def redrive_many_view(self, request: HttpRequest) -> HttpResponse:
        """Ask the edge which letters it would send again; have it do so when confirmed."""
        self.require(request, "redrive")
        source = self._source(request)
        slug = source.slug if source is not None else ""
        back = f"{self.url('changelist')}?{OPEN_QUERY}"
        form = RedriveForm(request.POST or None)
        is_ordered = request.method == "POST" and form.is_valid()
        reason = form.cleaned_data["reason"] if is_ordered else ""
        try:
            done = redrive(actor=actor(request), source=slug, dry_run=not is_ordered, reason=reason)
        except EdgeUnreachableError as error:
            return self.refused(request, str(error), back)
        if is_ordered:
            left = f" {done.left} are left: press again for them." if done.left else ""
            return self.done(request, f"The edge sends {_letters(done.sent)} again.{left}", back)
        return self.page(
            request,
            "review/intake/redrive.html",
            title=f"Redrive the letters of {source}" if source is not None else "Redrive all letters",
            count=_letters(len(done.letters)),
            letters=done.letters[:LETTERS_SHOWN],
            left=done.left,
            form=form,
            back=back,
        )

    def _source(self, request: HttpRequest) -> Source | None:
        """The source the address names; None for all, which only who reaches every customer may mean."""
        wanted = request.GET.get("source", "")
        if not wanted and reaches_all(request.user):
            return None
        rows = Source.objects.for_customers(customers_of(request.user))
        found = rows.filter(pk=wanted).first() if wanted.isdigit() else None
        if found is None:
            raise Http404("There is no such source.")
        return found

    def _many_url(self, source: str) -> str:
        return self.url("redrive_many") + (f"?source={source}" if source else "")


def _letters(count: int) -> str:
    return f"{count} letter{'' if count == 1 else 's'}"
