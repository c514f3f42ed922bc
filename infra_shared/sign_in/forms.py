"""The forms of the sign-in pages."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, generate_totp_secret, validate_totp_code
from django import forms

from infra_shared.crypto import DecryptionError, decrypt_json, encrypt_json
from infra_shared.services import operators

_WRONG = "This code is not right, or was used already. Wait for the next one."


class SignInForm(LoginForm):
    """Name and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "User name"
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.fields["login"].widget.attrs |= {
            "autofocus": True,
            "autocapitalize": "none",
            "spellcheck": "false",
        }

    def add_prefix(self, field_name: str) -> str:
        """The name of a field on the page: `username`, as password managers and axes know it."""
        return str(super().add_prefix("username" if field_name == "login" else field_name))


class ConfirmForm(ReauthenticateForm):
    """The password once more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs |= {"autofocus": True}
        self.fields["password"].widget.attrs.pop("placeholder", None)


def _code_field(help_text: str) -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
    return forms.CharField(
        label="Code", max_length=20, help_text=help_text, widget=forms.TextInput(attrs=attributes)
    )


def _count_try(user: Any) -> None:
    decision = operators.code_try(user)
    if not decision.allowed:
        raise forms.ValidationError(
            f"Too many codes were tried. Try again in {decision.retry_after_seconds} seconds."
        )


class CodeForm(AuthenticateForm):
    """A code of the authenticator app, or a recovery code."""

    code = _code_field("Six digits from your authenticator app, or one of your recovery codes.")

    def clean_code(self) -> str:
        """A code that is right and was not used before."""
        _count_try(self.user)
        code: str = super().clean_code()
        # Recovery codes too: allauth reads and then writes which ones are used, so that two at once would both be let in.
        if not operators.spend_code(operator=self.user, code=code):
            raise forms.ValidationError(_WRONG)
        return code


class SetUpForm(ActivateTOTPForm):
    """The first code of a new second factor. Until it came, the session holds the seed, encrypted."""

    code = _code_field("The six digits your authenticator app shows now.")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        # Not ActivateTOTPForm's own, which would put the seed into the session's row in the open.
        forms.Form.__init__(self, *args, **kwargs)
        self.user = user
        self.secret = ""

    def pending(self, session: Any, *, renew: bool) -> None:
        """Take the session's seed, or a new one."""
        kept = "" if renew else _opened(session.get(SECRET_SESSION_KEY))
        self.secret = kept or generate_totp_secret()
        if not kept:
            session[SECRET_SESSION_KEY] = encrypt_json(self.secret)

    def clean_code(self) -> str:
        """A code that fits the seed on the page."""
        _count_try(self.user)
        code: str = self.cleaned_data["code"]
        if not validate_totp_code(self.secret, code) or not operators.spend_code(
            operator=self.user, code=code
        ):
            raise forms.ValidationError(_WRONG)
        return code


def _opened(sealed: str | None) -> str:
    try:
        return str(decrypt_json(sealed)) if sealed else ""
    except DecryptionError:
        return ""  # the key was taken out of the ring meanwhile: the page begins anew
