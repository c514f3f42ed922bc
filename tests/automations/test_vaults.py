"""Credentials that are kept elsewhere: the port, and the environment as its adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from automations.errors import CredentialError
from automations.models import Credential
from automations.services import vaults as installed
from automations.services.credentials import set_credential
from infra_shared.vaults import EnvironmentVault, VaultError, Vaults
from tests.support.credentials import given

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRON = {"CREDENTIAL_SHOP_USERNAME": "anna", "CREDENTIAL_SHOP_PASSWORD": "canary-7Hq2", "DATABASE_URL": "x"}
VAULT = EnvironmentVault(["CREDENTIAL_"], ENVIRON)


def test_the_environment_gives_a_field_for_each_variable_below_the_path() -> None:
    assert VAULT.lookup("CREDENTIAL_SHOP") == {"username": "anna", "password": "canary-7Hq2"}


@pytest.mark.parametrize("path", ["DATABASE", "CREDENTIAL_", "", "credential_shop", "XCREDENTIAL_SHOP"])
def test_nothing_outside_the_allowed_prefixes_can_be_read(path: str) -> None:
    with pytest.raises(VaultError, match="begins with CREDENTIAL_"):
        VAULT.lookup(path)


def test_without_prefixes_nothing_is_read() -> None:
    with pytest.raises(VaultError, match="CREDENTIAL_ENV_PREFIXES is empty"):
        EnvironmentVault([], ENVIRON).lookup("CREDENTIAL_SHOP")


def test_a_path_with_no_variables_says_what_to_set() -> None:
    with pytest.raises(VaultError, match="begins with CREDENTIAL_BANK_"):
        VAULT.lookup("CREDENTIAL_BANK")


@pytest.mark.parametrize("reference", ["CREDENTIAL_SHOP", "env:", "op:item"])
def test_a_reference_names_a_known_vault(reference: str) -> None:
    with pytest.raises(VaultError, match=r"write one of env:…"):
        Vaults({"env": VAULT}).lookup(reference)


@pytest.mark.django_db
def test_a_credential_kept_in_the_environment_is_read_when_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    set_credential(name="shop", kind="login", reference="env:CREDENTIAL_SHOP", actor="command")
    monkeypatch.setenv("CREDENTIAL_SHOP_PASSWORD", "changed")

    assert given("shop").secrets["shop"] == {"username": "anna", "password": "changed"}
    assert Credential.objects.get().fields.reveal() == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reference", "words"), [("env:DATABASE", "may not be read"), ("vault:x", "no reference")]
)
def test_a_reference_that_can_never_be_read_is_refused_when_it_is_set(reference: str, words: str) -> None:
    with pytest.raises(CredentialError, match=words):
        set_credential(name="shop", reference=reference, actor="command")


@pytest.mark.django_db
def test_a_vault_that_is_out_of_reach_lets_the_attempt_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Away:
        def lookup(self, path: str) -> Mapping[str, str]:
            raise VaultError(f"{path}: the vault does not answer.", permanent=False)

        def complaint(self, _path: str) -> str:
            return ""

    def vaults() -> Vaults:
        return Vaults({"away": Away()})

    for module in ("credentials", "credential_use"):
        monkeypatch.setattr(f"automations.services.{module}.vaults", vaults)
    set_credential(name="shop", reference="away:shop", actor="command")

    with pytest.raises(CredentialError, match="does not answer") as refused:
        given("shop")
    assert not refused.value.permanent


@pytest.mark.django_db
def test_a_vault_that_lacks_a_field_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIAL_BANK_USERNAME", "anna")
    set_credential(name="bank", kind="login", reference="env:CREDENTIAL_BANK", actor="command")

    with pytest.raises(CredentialError, match=r"env:CREDENTIAL_BANK.*needs the field password"):
        given("bank")


def test_this_installation_has_the_environment_with_its_prefixes(settings: Any) -> None:
    settings.CREDENTIAL_ENV_PREFIXES = ["SHOP_"]

    assert installed.vaults().complaint("env:SHOP_ADMIN") == ""
    assert installed.vaults().complaint("env:CREDENTIAL_SHOP")
