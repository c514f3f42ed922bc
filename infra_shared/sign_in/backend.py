"""Who may sign in at all."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend


class OperatorBackend(ModelBackend):
    """Lets in active accounts of the staff alone: for others a right password is as wrong as any other.

    Asked on each request too, so that an account that was deactivated or put off the staff is out at once.
    """

    def user_can_authenticate(self, user: Any) -> bool:
        """Whether the account is an operator's."""
        return bool(getattr(user, "is_staff", False)) and super().user_can_authenticate(user)
