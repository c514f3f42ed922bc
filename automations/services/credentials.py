"""Credentials: set, bound, deleted. Their values leave only towards a browser (`credential_use`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from automations.errors import CredentialError
from automations.models import Automation, Credential, Customer
from automations.services.credential_fields import check_fields
from automations.services.vaults import vaults
from infra_shared.services import audit
from infra_shared.vaults import VaultError
from webgraph.sites import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_BOUND = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Who may use a credential and where it may go; empty lists of customers and automations allow all.

    Without sites it goes to those its automation declares, else to those the automation opens itself, but to none that
    the run's params name. `any_site` lets it go anywhere.
    """

    sites: Sequence[str] = field(default=())
    any_site: bool = False
    customers: Sequence[str] = field(default=())
    automations: Sequence[str] = field(default=())


@transaction.atomic
def set_credential(
    *,
    name: str,
    actor: str,
    fields: Mapping[str, str] | None = None,
    reference: str = "",
    kind: str | None = None,
    binding: Binding | None = None,
) -> Credential:
    """Create a credential or replace its values; they are stored encrypted and are not shown again.

    Either `fields` or a `reference` to a vault says what it holds. Without `kind` and `binding` an existing one keeps its
    own. CredentialError says what does not fit, and names fields only.
    """
    credential = Credential.objects.select_for_update().filter(name=name).first() or Credential(name=name)
    credential.kind = kind or credential.kind
    if reference:
        _refer(credential, reference, fields)
    else:
        check_fields(credential.kind, fields or {})
        credential.reference, credential.fields = "", dict(fields or {})
        credential.field_names = sorted(fields or {})
    if binding is not None:
        _bind(credential, binding)
    credential.full_clean()
    credential.save()
    details = {"kind": credential.kind, "fields": credential.field_names, "reference": reference}
    _record(credential, "credential.set", actor=actor, details=details | _binding_in_words(credential))
    return credential


@transaction.atomic
def bind_credential(*, name: str, binding: Binding, actor: str) -> Credential:
    """Say anew who may use a credential and where it may go; its values stay."""
    credential = _existing(name)
    _bind(credential, binding)
    credential.save(update_fields=["sites", "any_site", "customers", "automations", "updated_at"])
    _record(credential, "credential.bind", actor=actor, details=_binding_in_words(credential))
    return credential


@transaction.atomic
def delete_credential(*, name: str, actor: str, reason: str = "") -> None:
    """Take a credential away; runs that need it fail until it is set again. What it was used for stays."""
    credential = _existing(name)
    _record(credential, "credential.delete", actor=actor, details={}, reason=reason)
    credential.delete()


def used_by(name: str) -> list[Automation]:
    """The automations whose latest version names a credential."""
    return [item for item in _runnable() if name in _wanted_by(item)]


def missing() -> list[tuple[str, Automation]]:
    """The names that automations want and nobody has set, each with an automation that wants it."""
    known = set(Credential.objects.values_list("name", flat=True))
    return [(name, item) for item in _runnable() for name in _wanted_by(item) if name not in known]


def _refer(credential: Credential, reference: str, fields: Mapping[str, str] | None) -> None:
    """Let a vault keep the values. They need not be there yet: only a node that runs with them can tell."""
    if fields:
        raise CredentialError("Give either values or a reference to a vault, not both.")
    if complaint := vaults().complaint(reference):
        raise CredentialError(complaint)
    credential.reference, credential.fields = reference, {}
    try:
        credential.field_names = sorted(vaults().lookup(reference))
    except VaultError:
        credential.field_names = []


def _bind(credential: Credential, binding: Binding) -> None:
    if binding.any_site and binding.sites:
        raise CredentialError("Name sites, or let it go to any site: not both.")
    credential.sites = _sites(binding.sites)
    credential.any_site = binding.any_site
    credential.customers = _known(
        binding.customers, Customer.objects.values_list("key", flat=True), "customer"
    )
    known = Automation.objects.that_run().values_list("key", flat=True)
    credential.automations = _known(binding.automations, known, "automation")


def _sites(addresses: Iterable[str]) -> list[str]:
    try:
        return _few({origin_of(address) for address in addresses}, "sites")
    except ValueError as error:
        raise CredentialError(str(error)) from error


def _known(keys: Iterable[str], known: Iterable[str], what: str) -> list[str]:
    wanted = set(keys)
    if unknown := sorted(wanted - set(known)):
        raise CredentialError(f"There is no {what} {unknown[0]!r}.")
    return _few(wanted, f"{what}s")


def _few(items: set[str], what: str) -> list[str]:
    if len(items) > MOST_BOUND:
        raise CredentialError(f"A credential may be bound to {MOST_BOUND} {what} at most.")
    return sorted(items)


def _existing(name: str) -> Credential:
    credential = Credential.objects.select_for_update().filter(name=name).first()
    if credential is None:
        raise CredentialError(f"There is no credential {name!r}.")
    return credential


def _runnable() -> list[Automation]:
    return list(Automation.objects.runnable().select_related("latest_version"))


def _wanted_by(automation: Automation) -> list[str]:
    assert automation.latest_version is not None  # a runnable one has it
    return list(automation.latest_version.options.get("credentials", []))


def _binding_in_words(credential: Credential) -> dict[str, object]:
    return {
        "sites": credential.sites or ("any" if credential.any_site else []),
        "customers": credential.customers,
        "automations": credential.automations,
    }


def _record(
    credential: Credential, action: str, *, actor: str, details: Mapping[str, object], reason: str = ""
) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="credential",
        object_id=credential.name,
        details=details,
        reason=reason,
    )
