"""Who may use a credential and where it may go, and what is kept of each use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from automations.errors import CredentialError
from automations.models import Credential, CredentialUse, Customer
from automations.services.credential_use import forget_old_uses, give
from automations.services.credentials import Binding, bind_credential, delete_credential, set_credential
from infra_shared.database import database_now
from infra_shared.models import AuditLine
from tests.support import sample
from tests.support.credentials import asking, given
from webgraph.browser.profile import BrowserProfile, HttpBasic

pytestmark = pytest.mark.django_db
LOGIN = {"username": "anna", "password": "canary-7Hq2-horse"}
SEED = "JBSWY3DPEHPK3PXP"


def bound(**binding: Any) -> None:
    """A credential that is bound so."""
    set_credential(name="shop", fields=LOGIN, kind="login", binding=Binding(**binding), actor="command")


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("login", {"username": "anna"}, "needs the field password"),
        ("login", {**LOGIN, "pin": "1"}, "has no field pin"),
        ("token", {"password": "x"}, "needs the field token"),
        ("totp", {"totp_seed": "no seed!"}, "base32"),
        ("login", {**LOGIN, "totp_seed": SEED, "period": "1"}, "period"),
        ("general", {"my field": "x"}, "no name of a field"),
        ("general", {}, "at least one field"),
    ],
)
def test_each_kind_says_which_field_is_wrong_and_shows_no_value(
    kind: str, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(CredentialError, match=words) as refused:
        set_credential(name="shop", fields=fields, kind=kind, actor="command")

    assert not any(value in str(refused.value) for value in fields.values() if len(value) > 1)


def test_a_seed_makes_codes_and_is_not_among_the_values() -> None:
    set_credential(name="shop", fields={**LOGIN, "totp_seed": SEED}, kind="login", actor="command")

    got = given("shop")

    assert got.secrets == {"shop": LOGIN}
    assert got.seeds["shop"].secret == SEED
    assert SEED in set(got.values())


@pytest.mark.parametrize(
    ("binding", "asked", "words"),
    [
        ({"customers": ["acme"]}, {"customer": "main"}, "not for the customer 'main'.*--customer main"),
        ({"automations": ["sample"]}, {"automation": "other"}, "not for the automation 'other'"),
    ],
)
def test_a_credential_is_refused_to_other_customers_and_automations_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, binding: dict[str, Any], asked: dict[str, str], words: str
) -> None:
    sample.install(monkeypatch)
    Customer.objects.create(key="acme")
    bound(**binding)

    assert given("shop", customer="acme", automation="sample").secrets
    with pytest.raises(CredentialError, match=words) as refused:
        given("shop", **asked)
    assert refused.value.permanent
    assert CredentialUse.objects.count() == 1


@pytest.mark.parametrize(
    ("binding", "declared", "origins"),
    [
        ({"sites": ["https://Shop.example/login"]}, ["https://other.example"], ["https://shop.example"]),
        ({}, ["https://other.example"], ["https://basic.example", "https://other.example"]),
        ({}, [], []),
    ],
)
def test_it_may_go_where_it_is_bound_to_else_where_its_automation_declares(
    binding: dict[str, Any], declared: list[str], origins: list[str]
) -> None:
    profile = BrowserProfile(http_basic=HttpBasic(origin="https://basic.example", credential="shop"))
    bound(**binding)

    assert given("shop", sites=declared, profile=profile).origins == {"shop": origins}


def test_one_that_may_go_to_any_site_has_no_origins() -> None:
    bound(any_site=True)

    assert given("shop").origins == {}


@pytest.mark.parametrize(
    ("binding", "words"),
    [
        ({"sites": ["shop.example"]}, "is no site"),
        ({"sites": ["https://shop.example"], "any_site": True}, "not both"),
        ({"customers": ["nobody"]}, "no customer 'nobody'"),
        ({"automations": ["nothing"]}, "no automation 'nothing'"),
    ],
)
def test_a_binding_that_makes_no_sense_is_refused(binding: dict[str, Any], words: str) -> None:
    with pytest.raises(CredentialError, match=words):
        bound(**binding)
    assert not Credential.objects.exists()


def test_new_values_keep_the_binding_and_a_new_binding_keeps_the_values() -> None:
    bound(sites=["https://shop.example"])

    set_credential(name="shop", fields={**LOGIN, "password": "other"}, actor="command")
    assert given("shop").origins == {"shop": ["https://shop.example"]}

    bind_credential(name="shop", binding=Binding(sites=["https://new.example"]), actor="operator:anna")
    got = given("shop")
    assert (got.origins, got.secrets["shop"]["password"]) == ({"shop": ["https://new.example"]}, "other")
    line = AuditLine.objects.get(action="credential.bind")
    assert (line.actor, line.details["sites"]) == ("operator:anna", ["https://new.example"])


def test_each_attempt_leaves_one_row_of_its_use_however_often_it_asks() -> None:
    bound()
    attempt = asking(customer="main", attempt=2)

    give(names=["shop", "shop"], asking=attempt)
    give(names=["shop"], asking=attempt)

    use = CredentialUse.objects.get()
    assert (use.run_id, use.attempt, use.automation) == (attempt.run_id, 2, "sample")
    assert Credential.objects.get().last_used_at is not None


def test_uses_are_kept_as_long_as_the_audit_log(settings: Any) -> None:
    bound()
    given("shop")
    given("shop")
    old = CredentialUse.objects.first()
    assert old is not None
    too_old = database_now() - settings.AUDIT_KEPT - timedelta(days=1)
    CredentialUse.objects.filter(pk=old.pk).update(used_at=too_old)

    assert forget_old_uses() == 1
    assert CredentialUse.objects.count() == 1


def test_what_is_deleted_is_refused_and_leaves_its_uses() -> None:
    bound()
    given("shop")

    delete_credential(name="shop", actor="command")

    with pytest.raises(CredentialError, match="is not set"):
        given("shop")
    assert CredentialUse.objects.exists()
    assert AuditLine.objects.filter(action="credential.delete", object_id="shop").exists()
