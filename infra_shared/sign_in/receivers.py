"""Marks each session where it begins, whichever way somebody was signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from infra_shared.sign_in import marks

if TYPE_CHECKING:
    from django.http import HttpRequest


@receiver(user_logged_in)
def mark_session(*, request: HttpRequest, **_: Any) -> None:
    """The session began now; one without this mark opens nothing."""
    marks.begin(request.session)
