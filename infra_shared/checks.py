"""System checks of the shared layer: what must be right before anything is served."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from infra_shared import crypto


@register()
def encryption_keys_are_usable(**_options: Any) -> list[CheckMessage]:
    """One error naming FIELD_ENCRYPTION_KEYS when a key is missing or malformed, else nothing."""
    try:
        crypto.decrypt(crypto.encrypt(b"check"))
    except ImproperlyConfigured as error:
        return [Error(str(error), id="infra_shared.E001")]
    return []
