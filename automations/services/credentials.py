"""Credentials: set, named, used; their values leave only towards a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from automations.errors import CredentialError
from automations.models import Credential
from infra_shared.database import database_now
from infra_shared.services import audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@transaction.atomic
def set_credential(*, name: str, fields: Mapping[str, str], actor: str) -> Credential:
    """Create or replace a credential; the values are stored encrypted and are not shown again."""
    if not fields:
        raise CredentialError("A credential needs at least one field, such as username=… password=…")
    empty = sorted(key for key, value in fields.items() if not value)
    if empty:
        raise CredentialError(f"These fields are empty: {', '.join(empty)}.")
    credential = Credential.objects.filter(name=name).first() or Credential(name=name)
    credential.fields = dict(fields)
    credential.field_names = sorted(fields)
    credential.full_clean()
    credential.save()
    audit.record(actor=actor, action="credential.set", object_kind="credential", object_id=name)
    return credential


def secrets_for(*, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The values of the named credentials, for one attempt; CredentialError names what is missing."""
    wanted = list(names)
    found = {row.name: row for row in Credential.objects.filter(name__in=wanted)}
    missing = [name for name in wanted if name not in found]
    if missing:
        raise CredentialError(
            f"The credential {missing[0]!r} is not set. Set it with: manage.py credentials set {missing[0]}"
        )
    Credential.objects.filter(name__in=wanted).update(last_used_at=database_now())
    return {name: dict(found[name].fields.reveal()) for name in wanted}
