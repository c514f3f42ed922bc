"""The sign-in pages: password, second factor, its set-up, recovery codes, and the password once more."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from allauth.account.views import LoginView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import ContextMixin, View

from infra_shared.services import operators
from infra_shared.sign_in import marks
from infra_shared.sign_in.forms import CodeForm, ConfirmForm, SetUpForm, SignInForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase


class _Page(ContextMixin, View):
    """A page in the console's skin, without its menu: nobody is let in yet."""

    title = ""

    # Around the method and not around the class: that would take View's own `dispatch` for the page's, past every gate
    # that allauth's views put around theirs.
    @method_decorator([never_cache, sensitive_post_parameters()])
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Serve the page; it is kept in no cache, and what is sent to it in no report of an error."""
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The skin's own, and the page's title."""
        skin = admin.site.each_context(self.request)
        return {**skin, **super().get_context_data(**kwargs), "title": self.title}

    def form_invalid(self, form: Any) -> Any:
        """The page once more, as a refusal that scripts and browsers tell apart from a page."""
        response = super().form_invalid(form)  # type: ignore[misc]  # of the form's view, beside this class
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response


class SignInPage(_Page, LoginView):
    """Name and password."""

    title = "Automations"
    form_class = SignInForm
    template_name = "review/sign_in/sign_in.html"


class SecondFactorPage(_Page, AuthenticateView):
    """The code, after the password."""

    title = "Second factor"
    form_class = CodeForm
    template_name = "review/sign_in/second_factor.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Serve the page; a form without a code would be read as a security key's answer, which is not offered."""
        if request.method == "POST" and "code" not in request.POST:
            return HttpResponseRedirect(request.path)
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def form_valid(self, form: CodeForm) -> HttpResponseBase:
        """Open the session, and note what opened it; a recovery code is worth a line of its own."""
        self.request.session[marks.FACTOR] = form.authenticator.pk
        if form.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            operators.record_own(form.user, "operator.use_recovery_code")
        answer: HttpResponseBase = super().form_valid(form)
        return answer


class SetUpPage(_Page, ActivateTOTPView):
    """A new second factor: scan, then prove it with a code."""

    title = "Set up your second factor"
    form_class = SetUpForm
    template_name = "review/sign_in/set_up.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Serve the page to who has none yet; a factor that is there is replaced by its reset alone."""
        if request.user.is_authenticated and operators.has_second_factor(request.user):
            return HttpResponseRedirect(reverse("admin:index"))
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def get_form(self, form_class: Any = None) -> SetUpForm:
        """The form with the seed of this session; each showing of the page makes a new one."""
        form: SetUpForm = super().get_form(form_class)
        form.pending(self.request.session, renew=self.request.method != "POST")
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the seed in groups of four, for who cannot scan."""
        context = super().get_context_data(**kwargs)
        seed = context["form"].secret
        return {**context, "seed": " ".join(seed[at : at + 4] for at in range(0, len(seed), 4))}

    @transaction.atomic
    def form_valid(self, form: SetUpForm) -> HttpResponseBase:
        """Keep the factor; this session has shown it."""
        answer: HttpResponseBase = super().form_valid(form)
        factor = Authenticator.objects.get(user=form.user, type=Authenticator.Type.TOTP)
        self.request.session[marks.FACTOR] = factor.pk
        operators.record_own(form.user, "operator.set_up_second_factor")
        return answer

    def get_success_url(self) -> str:
        """The recovery codes, which are shown once."""
        return reverse("mfa_view_recovery_codes")


class CodesPage(_Page, ViewRecoveryCodesView):
    """The recovery codes, the first time; after that only how many are left."""

    title = "Recovery codes"
    template_name = "review/sign_in/codes.html"


class NewCodesPage(_Page, GenerateRecoveryCodesView):
    """New recovery codes in place of the old."""

    title = "New recovery codes"
    template_name = "review/sign_in/new_codes.html"

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponseBase:
        """Make them; a session that one of the old ones had opened goes on."""
        answer: HttpResponseBase = super().form_valid(form)
        factor = Authenticator.objects.get(user=form.user, type=Authenticator.Type.TOTP)
        self.request.session[marks.FACTOR] = factor.pk
        operators.record_own(form.user, "operator.new_recovery_codes")
        return answer


class ConfirmPage(_Page, ReauthenticateView):
    """The password once more, before something that matters."""

    title = "Confirm your password"
    form_class = ConfirmForm
    template_name = "review/sign_in/confirm.html"


sign_in = SignInPage.as_view()
