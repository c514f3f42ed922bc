"""The first operator and API key of this machine, and their replacements. Needs Django to be set up."""

from __future__ import annotations

import secrets

from django.contrib.auth import get_user_model
from django.db import transaction

from infra_shared.models import ApiKey
from infra_shared.models.caller import ALL
from infra_shared.services import api_keys, audit

OPERATOR = "operator"
CALLER = "local"
ACTOR = "command"
PASSWORD_BYTES = 15


@transaction.atomic
def ensure() -> dict[str, str | None]:
    """Create the operator and an API key where there is none; return the secrets made just now, else None."""
    has_operator = get_user_model().objects.filter(username=OPERATOR).exists()
    has_key = ApiKey.objects.filter(caller__name=CALLER).exists()
    return {
        "operator": OPERATOR,
        "password": None if has_operator else set_password(),
        "key": None if has_key else issue_key(),
    }


@transaction.atomic
def set_password() -> str:
    """Give the operator, created and allowed in if need be, a new password and return it."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    operator, created = get_user_model().objects.get_or_create(
        username=OPERATOR, defaults={"is_staff": True, "is_superuser": True}
    )
    operator.set_password(password)
    operator.is_active = True
    operator.save()
    action = "operator.create" if created else "operator.new_password"
    audit.record(actor=ACTOR, action=action, object_kind="operator", object_id=operator.pk)
    return password


@transaction.atomic
def issue_key() -> str:
    """Issue an API key that may do everything here and return its plain text, which is kept nowhere."""
    caller = api_keys.ensure_caller(name=CALLER, otherwise=[ALL], actor=ACTOR)
    _, text = api_keys.issue_key(caller=caller, name="made on this machine", scopes=[ALL], actor=ACTOR)
    return text
