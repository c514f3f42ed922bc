"""Signing in by the forms, as a person does, and a telephone that makes codes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyotp
from allauth.mfa.models import Authenticator
from django.urls import reverse

from infra_shared.crypto import decrypt_json
from tests.support.console import NAME, PASSWORD

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

PERIOD_SECONDS = 30


@dataclass
class Telephone:
    """An authenticator app, which is no code of this project's; each code is another one."""

    seed: str
    shown: set[int] = field(default_factory=set, init=False)

    def code(self) -> str:
        """A code that is good now and was not shown before: this half minute's, else the next one's, else the last's.

        In this order, because the half minute may end while a code is on its way.
        """
        now = int(time.time()) // PERIOD_SECONDS
        counter = next(step for step in (now, now + 1, now - 1) if step not in self.shown)
        self.shown.add(counter)
        return str(pyotp.TOTP(self.seed).generate_otp(counter))


def send_password(client: Client, *, name: str = NAME, password: str = PASSWORD, **about: Any) -> Any:
    """The answer to the first form."""
    return client.post(reverse("account_login"), {"username": name, "password": password}, **about)


def send_code(client: Client, code: str) -> Any:
    """The answer to the second form."""
    return client.post(reverse("mfa_authenticate"), {"code": code})


def set_up(client: Client, operator: User) -> tuple[Telephone, list[str]]:
    """Set up a second factor as a page asks for it; the telephone that holds it, and the recovery codes."""
    page = client.get(reverse("mfa_activate_totp"))
    telephone = Telephone(page.context["form"].secret)
    client.post(reverse("mfa_activate_totp"), {"code": telephone.code()})
    shown = client.get(reverse("mfa_view_recovery_codes"))
    return telephone, shown.context["unused_codes"]


def stored_seed(operator: User) -> str:
    """The seed as the database keeps it, opened."""
    factor = Authenticator.objects.get(user=operator, type=Authenticator.Type.TOTP)
    return str(decrypt_json(factor.data["secret"]))
