"""Sources in the console: listed, made, changed, switched on and off, deleted, told to the edge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import IntegerField, OuterRef, Prefetch, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.html import format_html

from automations.admin.schedules import DeletedFilter, DeleteForm
from automations.forms.customers import offer_customers
from infra_shared.admin.base import actor
from infra_shared.templatetags.console import pill, when
from intake.admin.source_form import SourceForm, values_of
from intake.admin.source_page import facts_of, read_source_page
from intake.admin.source_secrets import SourceSecrets
from intake.admin.source_words import SET_UP
from intake.errors import EdgeUnreachableError, IntakeInvalidError
from intake.models import Event, IntakeLedger, Source, SourceSecret
from intake.services.edge_sync import sync_what_changed
from intake.services.source_input import input_of
from intake.services.sources import change_source, create_source, delete_source

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


@admin.register(Source)
class SourceAdmin(SourceSecrets):
    """Who sends webhooks."""

    customer_field = "customer__key"
    list_title = "Webhook sources"
    list_display = ("what", "state", "scheme_in_words", "today", "last", "secrets_in_use", "customer")
    list_display_links = ("what",)
    list_select_related = ("customer",)
    list_filter = ("scheme", "customer", DeletedFilter)
    search_fields = ("slug__startswith", "name__icontains")
    search_help_text = "The beginning of the address's name, or a word of the name"
    ordering = ("slug",)
    empty_words = (
        "No source yet",
        "A source is a sender of webhooks, with an address and a secret of its own. Make one with the button above.",
    )

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """The form, the switch, the end, the word to the edge, and the secrets."""
        return [
            ("new/", self.create_view, "create"),
            ("<int:pk>/edit/", self.edit_view, "edit"),
            ("<int:pk>/switch/", self.switch_view, "switch"),
            ("<int:pk>/remove/", self.remove_view, "remove"),
            ("<int:pk>/tell-the-edge/", self.sync_view, "sync"),
            *super().extra_pages(),
        ]

    def list_tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The button to make one."""
        return [("New source", self.url("create"))] if self.may(request, "add") else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        """Each with what the list says of it, so that it is not asked for row by row."""
        now = timezone.now()
        lines = IntakeLedger.objects.filter(slug=OuterRef("slug"), day=now.date()).values("stored")
        newest = Event.objects.filter(source=OuterRef("pk")).newest_first().values("received_at")
        valid = SourceSecret.objects.valid_at(now).defer("secret")
        rows: QuerySet[Source] = super().get_queryset(request)
        return rows.annotate(
            stored_today=Coalesce(Subquery(lines[:1]), 0, output_field=IntegerField()),
            last_event_at=Subquery(newest[:1]),
        ).prefetch_related(Prefetch("secrets", valid, to_attr="valid_secrets"))

    @admin.display(description="Source")
    def what(self, source: Source) -> str:
        """Its name, and its name in the address."""
        return format_html(
            '<span class="c-strong">{}</span> <span class="c-id">{}</span>', source, source.slug
        )

    @admin.display(description="State")
    def state(self, source: Source) -> str:
        """Whether the edge takes anything from it."""
        if source.deleted_at is not None:
            return pill("deleted")
        return pill("active") if source.is_enabled else pill("paused", "disabled")

    @admin.display(description="Scheme")
    def scheme_in_words(self, source: Source) -> str:
        """How it proves that it is the one."""
        return source.get_scheme_display()

    @admin.display(description="Events today")
    def today(self, source: Any) -> str:
        """How many events were stored since midnight UTC."""
        return str(source.stored_today)

    @admin.display(description="Last event")
    def last(self, source: Any) -> str:
        """When it last sent something new."""
        return when(source.last_event_at, empty="never")

    @admin.display(description="Secrets in use")
    def secrets_in_use(self, source: Any) -> str:
        """How many secrets are valid now."""
        return str(len(source.valid_secrets))

    def row_page(self, request: HttpRequest, source: Source) -> HttpResponse:
        """One source: its address, its secrets, its triggers, and what it sent last."""
        is_there = source.deleted_at is None
        may_change = is_there and self.may(request, "change")
        return self.page(
            request,
            "review/intake/source/page.html",
            title=str(source),
            source=source,
            state=self.state(source),
            rows=facts_of(source),
            how=SET_UP[source.scheme],
            may_change=may_change,
            may_delete=is_there and self.may(request, "delete"),
            may_add_trigger=is_there and request.user.has_perm("intake.add_trigger"),
            **read_source_page(source),
        )

    def create_view(self, request: HttpRequest) -> HttpResponse:
        """The form of a new source; a secret that is made for it is shown once."""
        self.require(request, "add")
        form = SourceForm(request.POST or None)
        offer_customers(form, request.user)
        if form.is_valid():
            secret = form.cleaned_data["secret"]
            try:
                source, made = create_source(
                    wanted=form.wanted(), actor=actor(request), secrets=[secret] if secret else []
                )
            except IntakeInvalidError as error:
                form.show_problems(error.problems)
            else:
                return self.secret_taken(request, source, made, "The source is made.")
        return self._form(
            request, form, title="New source", submit="Make the source", back=self.url("changelist")
        )

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form of an existing source; its secrets have pages of their own."""
        self.require(request, "change")
        source = self.present(request, pk)
        form = SourceForm(request.POST or None, initial=values_of(source))
        del form.fields["secret"]
        for name in ("slug", "customer"):
            form.fields[name].disabled = True
        if form.is_valid():
            try:
                change_source(source=source, wanted=form.wanted(source), actor=actor(request))
            except IntakeInvalidError as error:
                form.show_problems(error.problems)
            else:
                return self.done(request, f"{source} is changed.", self.url("change", pk))
        return self._form(request, form, title=f"Change {source}", submit="Save", back=self.url("change", pk))

    def switch_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Enable or disable a source; nothing is lost, so nothing is asked."""
        self.require(request, "change")
        source, back = self.present(request, pk), self.url("change", pk)
        if request.method != "POST":
            return self.refused(request, "Use the button to enable or disable a source.", back)
        wanted = replace(input_of(source), is_enabled=request.POST.get("enabled") == "yes")
        changed = change_source(source=source, wanted=wanted, actor=actor(request))
        said = (
            "is enabled"
            if changed.is_enabled
            else "is disabled: what still arrives is kept and starts nothing"
        )
        return self.done(request, f"{source} {said}.", back)

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete a source after asking; its events stay."""
        self.require(request, "delete")
        source = self.present(request, pk)
        form = DeleteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            delete_source(source=source, actor=actor(request), reason=form.cleaned_data["reason"])
            return self.done(request, f"{source} is deleted.", self.url("changelist"))
        return self.page(
            request,
            "review/form.html",
            title=f"Delete {source}",
            form=form,
            submit="Delete the source",
            back=self.url("change", pk),
            warning="The edge refuses what it sends from then on, and its secrets are erased. Its events and their "
            "runs stay. This cannot be undone, and its address cannot be used again.",
        )

    def sync_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Tell the edge of every source that was changed, now."""
        self.require(request, "change")
        self.found(request, pk)
        back = self.url("change", pk)
        if request.method != "POST":
            return self.refused(request, "Use the button to tell the edge.", back)
        try:
            sync_what_changed(actor=actor(request))
        except EdgeUnreachableError as error:
            return self.refused(request, str(error), back)
        return self.done(request, "The edge knows the source as it is here.", back)

    def _form(self, request: HttpRequest, form: SourceForm, **words: str) -> HttpResponse:
        status = 422 if form.is_bound else 200
        return self.page(
            request,
            "review/intake/source/form.html",
            form=form,
            set_up=list(SET_UP.items()),
            status=status,
            **words,
        )
