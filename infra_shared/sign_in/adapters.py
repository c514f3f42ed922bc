"""What allauth asks this installation: who signs in, from where, and how seeds are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.urls import reverse

from infra_shared.api.addresses import client_address
from infra_shared.crypto import decrypt_json, encrypt_json
from infra_shared.services import operators, rate_limits
from infra_shared.sign_in import marks

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.http import HttpRequest

MINUTE_SECONDS = 60
_log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in by name and password alone: no sign-up, no reset, no mail."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "This name and password do not go together.",
        "incorrect_password": "This is not your password.",
        "too_many_login_attempts": "Too many failed sign-ins came from your address. Try again in a minute.",
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """No: operators are made by operators, or by `manage.py operators create`."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The same address that rate limits count."""
        return client_address(request)

    def add_message(self, request: HttpRequest, *_: Any, message: str | None = None, **__: Any) -> None:
        """Say nothing: allauth's own sentences are not the console's; the pages speak for themselves."""

    def send_notification_mail(self, *_: Any, **__: Any) -> None:
        """Send nothing: the audit log tells."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The operator these credentials belong to; one address may try only so many wrong ones a minute.

        axes counts name and address together. This counts the address alone, for somebody who tries one password on
        many names.
        """
        address = client_address(request)
        counter, most = f"sign-in:{address}", settings.SIGN_IN_FAILURES_PER_MINUTE
        if not rate_limits.peek(counter, limit=most, per_seconds=MINUTE_SECONDS).allowed:
            _log.warning("sign_in_limited", address=address)
            raise self.validation_error("too_many_login_attempts")
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is None:
            rate_limits.hit(counter, limit=most, per_seconds=MINUTE_SECONDS)
            _log.info("sign_in_refused", address=address)
        return user

    def login(self, request: HttpRequest, user: Any) -> None:
        """Open the session, and write it down."""
        super().login(request, user)
        operators.record_own(user, "operator.sign_in", details={"address": client_address(request)})

    def get_reauthentication_methods(self, _user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """The password: the second factor is what the password guards here."""
        return [{"id": "reauthenticate", "description": "Password", "url": reverse("account_reauthenticate")}]

    def is_reauthentication_required(self, **_: Any) -> bool:
        """Whether the password is asked again; not when it was given a few minutes ago."""
        return not marks.is_recent(self.request.session, seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Seeds encrypted with the key ring, and the name an authenticator app shows."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is not right, or was used already. Wait for the next one.",
    }

    def get_totp_issuer(self) -> str:
        """Whose code it is, in the app's list."""
        return f"Automations {self._get_site_name()}"

    def get_totp_label(self, user: Any) -> str:
        """The account, in the app's list."""
        return str(user.get_username())

    def encrypt(self, text: str) -> str:
        """A seed as it is stored."""
        return encrypt_json(text)

    def decrypt(self, encrypted_text: str) -> str:
        """A stored seed; raises DecryptionError when no key fits."""
        return str(decrypt_json(encrypted_text))

    def send_notification_mail(self, *_: Any, **__: Any) -> None:
        """Send nothing: the audit log tells."""
