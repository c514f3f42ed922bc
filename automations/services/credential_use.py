"""What an attempt is given of the credentials it names: values, seeds of codes, and where they may go."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from automations.errors import CredentialError
from automations.models import Credential, CredentialUse
from automations.services.credential_fields import check_names
from automations.services.vaults import vaults
from infra_shared.crypto import DecryptionError
from infra_shared.database import database_now
from infra_shared.totp import SeedError, TotpSeed, without_seeds
from infra_shared.vaults import VaultError
from webgraph.bindings import profile_places
from webgraph.sites import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from webgraph.browser.profile import BrowserProfile

NOTED_EVERY = timedelta(minutes=1)
"""How often `last_used_at` is written: the same credential may be used many times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The attempt that asks. `sites` are those its automation declares for this run, without what the params name."""

    run_id: UUID
    attempt: int
    automation: str
    customer: str
    sites: Sequence[str]
    profile: BrowserProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What it is given, each by the credential's name. `origins` is what `webgraph.outcome.AttemptSpec` wants."""

    secrets: Mapping[str, Mapping[str, str]] = field(repr=False)
    seeds: Mapping[str, TotpSeed] = field(repr=False)
    origins: Mapping[str, Sequence[str]]

    def values(self) -> Iterator[str]:
        """Everything that must be shown nowhere."""
        for fields in self.secrets.values():
            yield from fields.values()
        for seed in self.seeds.values():
            yield seed.secret


def give(*, names: Iterable[str], asking: Asking) -> Given:
    """The named credentials for one attempt, with a row that says so.

    CredentialError says which one is missing, or not for this customer or automation, and what to do.
    """
    wanted = list(dict.fromkeys(names))
    found = {row.name: row for row in _rows(wanted)}
    for name in wanted:
        _check(name, found.get(name), asking)
    fields = {name: _fields(found[name]) for name in wanted}
    try:
        secrets, seeds = without_seeds(fields)
    except SeedError as error:
        raise CredentialError(str(error)) from None
    _note(wanted, asking)
    origins = {name: _origins(found[name], asking) for name in wanted if not found[name].any_site}
    return Given(secrets=secrets, seeds=seeds, origins=origins)


def forget_old_uses() -> int:
    """Delete rows of uses older than AUDIT_DAYS; how many."""
    deleted, _ = CredentialUse.objects.filter(used_at__lt=database_now() - settings.AUDIT_KEPT).delete()
    return deleted


def _rows(names: Sequence[str]) -> list[Credential]:
    try:
        return list(Credential.objects.filter(name__in=names))
    except DecryptionError as error:
        raise CredentialError(f"The credential {' or '.join(names)} cannot be decrypted. {error}") from error


def _check(name: str, credential: Credential | None, asking: Asking) -> None:
    if credential is None:
        raise CredentialError(
            f"The credential {name!r} is not set. Set it with: manage.py credentials set {name}"
        )
    for kind, key, allowed in (
        ("customer", asking.customer, credential.customers),
        ("automation", asking.automation, credential.automations),
    ):
        if allowed and key not in allowed:
            raise CredentialError(
                f"The credential {name!r} is not for the {kind} {key!r}. If it should be, add it on the credential's page, or "
                f"with: manage.py credentials bind {name} --add --{kind} {key}"
            )


def _fields(credential: Credential) -> dict[str, str]:
    if not credential.reference:
        return dict(credential.fields.reveal())
    try:
        fields = dict(vaults().lookup(credential.reference))
    except VaultError as error:
        raise CredentialError(
            f"The credential {credential.name!r} is kept elsewhere: {error}", permanent=error.permanent
        ) from error
    try:
        check_names(credential.kind, fields)
    except CredentialError as error:
        raise CredentialError(
            f"The credential {credential.name!r} ({credential.reference}): {error}"
        ) from error
    return fields


def _origins(credential: Credential, asking: Asking) -> list[str]:
    """Where it may go: as it says itself, else as its automation declares; empty for where that leads itself."""
    if credential.sites:
        return list(credential.sites)
    declared = {origin_of(site) for site in asking.sites}
    if not declared:
        return []
    return sorted(
        declared | {origin for name, origin in profile_places(asking.profile) if name == credential.name}
    )


@transaction.atomic
def _note(names: Sequence[str], asking: Asking) -> None:
    if not names:
        return
    now = database_now()
    CredentialUse.objects.bulk_create(
        (
            CredentialUse(
                credential=name,
                run_id=asking.run_id,
                attempt=asking.attempt,
                automation=asking.automation,
                customer=asking.customer,
                used_at=now,
            )
            for name in names
        ),
        ignore_conflicts=True,  # asked again, because the answer of a commit was lost
    )
    rows = Credential.objects.filter(name__in=names)
    rows.exclude(last_used_at__gt=now - NOTED_EVERY).update(last_used_at=now)
