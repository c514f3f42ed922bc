"""The gate behind the sign-in: a session that is over, or lacks the second factor, opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from infra_shared.services import operators
from infra_shared.sign_in import marks

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

ON_THE_WAY_IN = frozenset(
    {
        "account_login",
        "account_reauthenticate",
        "mfa_authenticate",
        "mfa_activate_totp",
        "admin:login",
        "admin:logout",
    }
)
"""Pages an operator needs before the gate opens."""


class SessionGate(MiddlewareMixin):
    """Lets a session through that is young, in use and, where it is asked for, proved its second factor."""

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Nothing for a session that may go on, and for who has none; else the way to what is missing."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return None  # an API key, or a stranger: their own gates stand further in
        if marks.is_over(request.session):
            return _sign_in_again(request, "Your session has ended. Sign in again.")
        if not request.headers.get("HX-Request"):  # a page that refreshes itself is no person
            marks.note_use(request.session)
        here = request.resolver_match
        if not settings.OPERATORS_NEED_SECOND_FACTOR or (here and here.view_name in ON_THE_WAY_IN):
            return None
        return _without_factor(request)


def _without_factor(request: HttpRequest) -> HttpResponse | None:
    """None where the session showed a factor its operator still has; else the way to the set-up, or out."""
    shown = request.session.get(marks.FACTOR)
    if shown is None and not operators.has_second_factor(request.user):  # type: ignore[arg-type]  # signed in: a User
        return HttpResponseRedirect(reverse("mfa_activate_totp"))
    if shown is None or not Authenticator.objects.filter(pk=shown, user=request.user).exists():
        return _sign_in_again(request, "Sign in again, with your second factor.")
    return None


def _sign_in_again(request: HttpRequest, why: str) -> HttpResponse:
    logout(request)
    messages.info(request, why)
    if request.headers.get("HX-Request"):
        # A part of a page cannot become the sign-in: the whole page goes there.
        answer = HttpResponseRedirect(reverse("account_login"))
        answer.status_code = 204
        answer.headers["HX-Refresh"] = "true"
        return answer
    target = request.get_full_path() if request.method == "GET" else reverse("admin:index")
    return redirect_to_login(target, login_url=reverse("account_login"))
