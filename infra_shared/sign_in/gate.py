"""The gate behind the sign-in: a session that is over, or lacks the second factor, opens nothing."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme

from infra_shared.services import operators
from infra_shared.sign_in import marks

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

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

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The answer; for a part of a page, whoever sends it to the sign-in, the word that the page is over."""
        if "HX-Request" not in request.headers or "Location" not in response.headers:
            return response
        is_sign_in = response.headers["Location"].partition("?")[0] == reverse("account_login")
        return _page_is_over(request) if is_sign_in else response


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
    is_read = (
        request.method in ("GET", "HEAD") or "HX-Request" in request.headers
    )  # a preview changes nothing
    messages.info(request, why if is_read else f"{why} What you sent was not taken: send it again.")
    target = request.get_full_path() if is_read else _page_of_form(request)
    return redirect_to_login(target, login_url=reverse("account_login"))


def _page_is_over(request: HttpRequest) -> HttpResponse:
    """A part cannot become the sign-in: the whole page goes there. One with a form keeps what was typed, and says so."""
    word = {"HX-Refresh": "true"} if request.method == "GET" else {"HX-Trigger": "signed-out"}
    return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=word)


def _page_of_form(request: HttpRequest) -> str:
    """The page a form was sent from, as far as the browser says; the overview else."""
    sent_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(
        sent_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    parts = urlsplit(sent_from)
    return urlunsplit(("", "", parts.path, parts.query, "")) if is_ours else reverse("admin:index")
