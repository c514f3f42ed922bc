"""Signed-in sessions: what is kept, who signs in, and ending or releasing one. What is kept is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from infra_shared.admin.base import actor
from infra_shared.admin.customers import CustomersByName
from infra_shared.database import database_now
from infra_shared.models import SignedInSession
from infra_shared.templatetags.console import NOTHING, pill, when
from runs.models import Attempt
from runs.services.session_doors import attempt_of
from runs.services.sessions import end_session, release_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

_WORDS = {
    "kept": "Signed in",
    "signing_in": "Somebody signs in",
    "locked": "Locked",
    "not_cacheable": "Cannot be kept",
    "none": "Signed out",
}


class ReasonForm(forms.Form):
    """A word for the audit log."""

    reason = forms.CharField(
        required=False, max_length=500, label="Reason", widget=forms.Textarea(attrs={"rows": 2})
    )


@admin.register(SignedInSession)
class SignedInSessionAdmin(CustomersByName):
    """Every session within reach, by customer, site and account."""

    list_display = ("account", "site", "whose", "state_now", "since", "failed")
    list_filter = ("customer",)
    search_fields = ("account__startswith", "site__startswith")
    search_help_text = "Account or site, from its beginning"
    ordering = ("customer", "site", "account")
    empty_words = (
        "No session is kept yet",
        "Automations that declare one sign in once; their sessions stand here from then on.",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignedInSession]:
        """The rows within reach; what is kept in them stays in the database."""
        return super().get_queryset(request).defer("state")

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Ending a session, and releasing its lock."""
        return [
            ("<int:pk>/end/", self.end_view, "end"),
            ("<int:pk>/release/", self.release_view, "release"),
        ]

    @admin.display(description="State")
    def state_now(self, row: SignedInSession) -> str:
        """Whether runs can go on with it."""
        state = _state(row)
        return pill(state, _WORDS[state])

    @admin.display(description="Signed in")
    def since(self, row: SignedInSession) -> str:
        """When somebody signed in."""
        return when(row.stored_at)

    @admin.display(description="Failed logins")
    def failed(self, row: SignedInSession) -> str:
        """How many failed one after another."""
        return str(row.failures) if row.failures else NOTHING

    def row_page(self, request: HttpRequest, row: SignedInSession) -> HttpResponse:
        """One session and what can be done about it."""
        rows = [
            ("State", self.state_now(row)),
            ("Customer", self.whose(row)),
            ("Site", row.site),
            ("Account", row.account),
            ("Signed in", self.since(row)),
            ("Signs in now", _holder(row)),
            ("Cannot be kept because", row.obstacle or NOTHING),
            ("Failed logins", self.failed(row)),
            ("The latest failed because", row.last_failure or NOTHING),
            ("Locked until", when(row.locked_until)),
        ]
        tools = []
        if self.may(request, "end"):
            if row.stored_at is not None:
                tools.append(("End the session", self.url("end", row.pk)))
            if _state(row) == "locked":
                tools.insert(0, ("Release the lock", self.url("release", row.pk)))
        return self.page(request, "review/facts.html", title=str(row), rows=rows, tools=tools)

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Forget the session after asking."""
        words = ("The next run signs in anew.", "Nothing was kept of it.")
        return self._ask(request, pk, end_session, "End the session of {}", "End it", words)

    def release_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let logins be tried again after asking."""
        words = ("The next run tries to sign in.", "Logins may be tried already.")
        return self._ask(
            request, pk, release_lock, "Let logins be tried again: {}", "Release the lock", words
        )

    def _ask(
        self,
        request: HttpRequest,
        pk: int,
        act: Callable[..., bool],
        title: str,
        submit: str,
        words: tuple[str, str],
    ) -> HttpResponse:
        self.require(request, "end")
        row: SignedInSession = self.found(request, pk)
        form = ReasonForm(request.POST or None)
        back = self.url("change", pk)
        if request.method == "POST" and form.is_valid():
            done = act(session=row, actor=actor(request), reason=form.cleaned_data["reason"])
            return self.done(request, words[0] if done else words[1], back)
        return self.page(
            request, "review/form.html", title=title.format(row), form=form, submit=submit, back=back
        )


def _state(row: SignedInSession) -> str:
    now = database_now()
    if row.holder and row.lease_expires_at is not None and row.lease_expires_at > now:
        return "signing_in"
    if row.stored_at is not None:
        return "kept"
    if row.locked_until is not None and row.locked_until > now:
        return "locked"
    return "not_cacheable" if row.obstacle else "none"


def _holder(row: SignedInSession) -> str:
    """A link to the run that signs in."""
    if _state(row) != "signing_in":
        return NOTHING
    attempt = Attempt.objects.select_related("run__automation").filter(pk=attempt_of(row.holder)).first()
    if attempt is None:
        return NOTHING
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:runs_run_change", args=[attempt.run_id]), attempt.run
    )
