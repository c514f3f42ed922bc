"""What operators may do for a colleague who cannot sign in: end a lock, reset the second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from infra_shared.admin.base import actor
from infra_shared.services import operators

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


class ReasonForm(forms.Form):
    """Why it is done."""

    reason = forms.CharField(
        max_length=500,
        label="Reason",
        help_text="Kept in the audit log: how you know that it is them who asks.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class SignInHelp:
    """The two pages, and the buttons that lead to them; for a ModelAdmin of accounts."""

    admin_site: Any
    opts: Any
    change_form_outer_before_template = "review/operator_help.html"

    def get_urls(self) -> list[URLPattern]:
        """The pages before the stock ones."""
        own = [
            path(
                "<int:pk>/reset-second-factor/",
                self.admin_site.admin_view(self.reset_second_factor_view),
                name="auth_user_reset_second_factor",
            ),
            path("<int:pk>/unlock/", self.admin_site.admin_view(self.unlock_view), name="auth_user_unlock"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # of the admin class beside this one

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The account's form, with the buttons its state asks for."""
        found: User | None = self.get_object(request, object_id)  # type: ignore[attr-defined]  # the same
        context = {"help": self._help(request, found) if found is not None else [], **(extra_context or {})}
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)  # type: ignore[misc]  # the same
        return answer

    def reset_second_factor_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a colleague's second factor away, after asking why."""
        colleague = self._colleague(request, pk)
        form = ReasonForm(request.POST or None)
        if not form.is_valid():
            return self._ask(request, form, colleague)
        reason = form.cleaned_data["reason"]
        if operators.reset_second_factor(operator=colleague, actor=actor(request), reason=reason):
            messages.success(request, f"{colleague} sets up a new second factor at the next sign-in.")
        else:
            messages.error(request, f"{colleague} has no second factor.")
        return self._back(colleague)

    def unlock_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a colleague try again at once."""
        colleague = self._colleague(request, pk)
        if request.method != "POST":
            messages.error(request, "Use the button to end the lock.")
        elif operators.unlock(operator=colleague, actor=actor(request)):
            messages.success(request, f"{colleague} may sign in again.")
        else:
            messages.error(request, f"{colleague} is not locked.")
        return self._back(colleague)

    def _help(self, request: HttpRequest, colleague: User) -> list[dict[str, Any]]:
        if not self.has_change_permission(request, colleague):  # type: ignore[attr-defined]  # the same
            return []
        offered = []
        if operators.has_second_factor(colleague):
            url = reverse("admin:auth_user_reset_second_factor", args=[colleague.pk])
            offered.append({"title": "Reset the second factor", "url": url, "is_post": False})
        if colleague.username in operators.locked_names():
            url = reverse("admin:auth_user_unlock", args=[colleague.pk])
            offered.append({"title": "End the lock", "url": url, "is_post": True})
        return offered

    def _colleague(self, request: HttpRequest, pk: int) -> User:
        colleague: User | None = self.get_object(request, str(pk))  # type: ignore[attr-defined]  # the same
        if colleague is None:
            raise Http404(f"There is no operator {pk}.")
        if not self.has_change_permission(request, colleague):  # type: ignore[attr-defined]  # the same
            raise PermissionDenied
        return colleague

    def _ask(self, request: HttpRequest, form: ReasonForm, colleague: User) -> HttpResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": f"Reset the second factor of {colleague}",
            "form": form,
            "submit": "Reset it",
            "back": reverse("admin:auth_user_change", args=[colleague.pk]),
            "warning": "Until the new one is set up, the password alone leads to its set-up. Be sure who is asking.",
        }
        return TemplateResponse(request, "review/form.html", context, status=422 if form.is_bound else 200)

    def _back(self, colleague: User) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:auth_user_change", args=[colleague.pk]))
