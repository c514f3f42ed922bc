"""The outbox in the console: what left the system, what did not, why, and what is done about it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.utils import timezone
from django.utils.html import format_html

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.admin.outbox_words import (
    PRIVATE,
    State,
    body_of,
    facts_of,
    kind_of,
    links_of,
    place_of,
    state_pill,
    tries_of,
)
from infra_shared.models import OutboxMessage
from infra_shared.services import undelivered
from infra_shared.services.undelivered import MOST_AT_ONCE
from infra_shared.templatetags.console import NOTHING, when

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from infra_shared.models import OutboxQuerySet

_SHOWN = 20


class WrittenFilter(admin.SimpleListFilter):
    """When it was written."""

    title = "time"
    parameter_name = "written"
    _LENGTHS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("24h", "Last 24 hours"), ("7d", "Last 7 days"), ("30d", "Last 30 days")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """What was written in that time; everything for a choice that does not exist."""
        length = self._LENGTHS.get(self.value() or "")
        return queryset.filter(created_at__gt=timezone.now() - length) if length else queryset


@admin.register(OutboxMessage)
class OutboxAdmin(ConsoleAdmin):
    """Every message, the newest first: mails and webhooks, about alerts and about nothing."""

    need_full_reach = True  # a channel and a digest may speak of every customer
    list_title = "Outbox"
    list_display = ("what", "recipient_in_short", "state_in_words", "tried", "why", "time")
    list_filter = ("state", "channel", "purpose", WrittenFilter)
    list_select_related = ("alert_channel",)
    search_fields = ("recipient__icontains", "subject__icontains")
    search_help_text = "A part of the recipient or of the subject"
    ordering = ("-id",)
    usual_filters = (
        ("All", ""),
        ("Failed", "state__exact=failed"),
        ("Waiting", "state__exact=pending"),
        ("Dropped", "state__exact=dropped"),
    )
    empty_words = (
        "No message here",
        "What is told of alerts, by mail or to a webhook, will stand here with how far it got.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Sending again and dropping, one message or those the list shows."""
        return [
            ("send-again/", self.send_all_again_view, "send_all_again"),
            ("drop/", self.drop_all_view, "drop_all"),
            ("<int:pk>/send-again/", self.send_again_view, "send_again"),
            ("<int:pk>/drop/", self.drop_view, "drop"),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """A button for each thing to do with failed messages, once the list shows these alone."""
        if request.GET.get("state__exact") != State.FAILED or not self.may(request, "resend"):
            return []
        query = request.GET.urlencode()
        return [
            ("Send these again", f"{self.url('send_all_again')}?{query}"),
            ("Drop these", f"{self.url('drop_all')}?{query}"),
        ]

    @admin.display(description="Written")
    def time(self, message: OutboxMessage) -> str:
        """When it was written."""
        return when(message.created_at)

    @admin.display(description="Message")
    def what(self, message: OutboxMessage) -> str:
        """Its purpose and way, and its subject below."""
        return format_html(
            '<span class="c-strong">{}</span><span class="c-clip c-under">{}</span>',
            kind_of(message),
            message.subject,
        )

    @admin.display(description="To")
    def recipient_in_short(self, message: OutboxMessage) -> str:
        """The channel's name, and who takes it there."""
        if message.alert_channel is None:
            return format_html('<span class="c-clip">{}</span>', message.recipient)
        return format_html(
            '{}<span class="c-clip c-under">{}</span>', message.alert_channel.name, message.recipient
        )

    @admin.display(description="State")
    def state_in_words(self, message: OutboxMessage) -> str:
        """How far it got."""
        return state_pill(message)

    @admin.display(description="Tries")
    def tried(self, message: OutboxMessage) -> str:
        """How often it was tried since it was last put here."""
        return str(message.attempts) if message.attempts else NOTHING

    @admin.display(description="Latest error")
    def why(self, message: OutboxMessage) -> str:
        """The first line of what went wrong."""
        line = message.last_error.partition("\n")[0]
        return format_html('<span class="c-clip c-under" title="{0}">{0}</span>', line) if line else NOTHING

    def row_page(self, request: HttpRequest, message: OutboxMessage) -> HttpResponse:
        """One message: how far it got, each try, what it is about, its text."""
        may_resend = self.may(request, "resend")
        return self.page(
            request,
            "review/outbox/page.html",
            title=f"{kind_of(message)} to {place_of(message)}",
            message=message,
            rows=[*facts_of(message), *links_of(request, message)],
            tries=tries_of(message),
            private=PRIVATE if message.is_private else "",
            body="" if message.is_private else body_of(message),
            folded=message.folded.order_by("-id")[:_SHOWN],
            may_send=may_resend and message.state in (State.FAILED, State.DROPPED),
            may_drop=may_resend and message.state in (State.FAILED, State.PENDING),
        )

    def send_again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put one message back."""
        self.require(request, "resend")
        message: OutboxMessage = self.found(request, pk)
        back = self.url("change", pk)
        if request.method != "POST" or not undelivered.send_again(message=message, actor=actor(request)):
            return self.refused(request, "Only what failed or was dropped can be sent again.", back)
        return self.done(request, "It is sent again within a minute.", back)

    def drop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Drop one message."""
        self.require(request, "resend")
        message: OutboxMessage = self.found(request, pk)
        back = self.url("change", pk)
        if request.method != "POST" or not undelivered.drop(message=message, actor=actor(request)):
            return self.refused(request, "Only what waits or failed can be dropped.", back)
        return self.done(request, "It is dropped: nobody tries to send it any more.", back)

    def send_all_again_view(self, request: HttpRequest) -> HttpResponse:
        """Put back the failed messages the list shows, after saying which."""
        self.require(request, "resend")
        return self._all(
            request,
            lambda rows: undelivered.send_failed_again(messages=rows, actor=actor(request)),
            title="Send these again",
            verb="sent again",
            submit="Send {} again",
            advice="They go out within minutes, the oldest first; alerts that are too many for their recipient "
            "become a digest. Mend first what the errors name.",
        )

    def drop_all_view(self, request: HttpRequest) -> HttpResponse:
        """Drop the failed messages the list shows, after saying which."""
        self.require(request, "resend")
        return self._all(
            request,
            lambda rows: undelivered.drop_failed(messages=rows, actor=actor(request)),
            title="Drop these",
            verb="dropped",
            submit="Drop {}",
            advice="Nobody tries to send them any more. They stay in the list, and can be sent again one by one.",
        )

    def _all(
        self,
        request: HttpRequest,
        act: Callable[[OutboxQuerySet], int],
        *,
        title: str,
        verb: str,
        submit: str,
        advice: str,
    ) -> HttpResponse:
        """Ask about the failed ones among what the list shows; act when asked by a form."""
        back = f"{self.url('changelist')}?{request.GET.urlencode()}"
        try:
            shown: Any = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return self.refused(request, "There is no such filter.", self.url("changelist"))
        rows: OutboxQuerySet = shown.failed()
        if request.method == "POST":
            done, left = act(rows), rows.count()
            more = f" {left} more failed: press again for them." if left else ""
            return self.done(request, f"{in_number(done)} {'is' if done == 1 else 'are'} {verb}.{more}", back)
        total = rows.count()
        at_once = min(total, MOST_AT_ONCE)
        return self.page(
            request,
            "review/outbox/ask.html",
            title=title,
            verb=verb,
            total=total,
            at_once=at_once,
            submit=submit.format(in_number(at_once)),
            advice=advice,
            sample=[(row, place_of(row)) for row in rows.order_by("pk")[:_SHOWN]],
            back=back,
        )


def in_number(count: int) -> str:
    """So many messages: "1 message", "3 messages"."""
    return f"{count} message{'' if count == 1 else 's'}"
