"""`manage.py credentials`: values go in by the prompt, standard input or a variable, and never come out."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from automations.models import Credential, Customer
from tests.support import sample
from tests.support.credentials import given, values_of
from webgraph.flow import Automation, stage

if TYPE_CHECKING:
    from webgraph.page import Page

pytestmark = pytest.mark.django_db
CANARY = "canary-7Hq2-horse"


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("credentials", *arguments, stdout=out)
    return out.getvalue()


def test_each_kind_asks_for_its_own_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))

    assert CANARY not in said("set", "api", "--kind", "token")

    assert values_of("api") == {"token": CANARY}


def test_a_field_is_taken_from_a_variable_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", CANARY)

    said("set", "shop", "username=anna", "--from-env", "password=SHOP_PASSWORD", "--kind", "login")

    assert values_of("shop") == {"username": "anna", "password": CANARY}
    with pytest.raises(CommandError, match="NOT_THERE is not set"):
        said("set", "shop", "--from-env", "password=NOT_THERE")


def test_what_was_set_says_how_to_bind_it_and_binding_says_what_it_is_bound_to() -> None:
    assert "credentials bind shop --site" in said("set", "shop", "token=x")

    facts = json.loads(said("bind", "shop", "--site", "https://Shop.example/login"))

    assert (facts["sites"], facts["any_site"]) == (["https://shop.example"], False)
    assert given("shop").origins == {"shop": ["https://shop.example"]}


def test_adding_keeps_what_it_was_bound_to() -> None:
    Customer.objects.create(key="acme")
    said("set", "shop", "token=x", "--site", "https://one.example", "--customer", "acme")

    facts = json.loads(said("bind", "shop", "--add", "--site", "https://two.example"))

    assert (facts["sites"], facts["customers"]) == (["https://one.example", "https://two.example"], ["acme"])


def test_it_is_shown_with_who_uses_it_and_without_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wants(Automation):
        """Names the credential."""

        key = "wants"
        credentials = ("shop",)

        @stage(effect="read")
        async def look(self, page: Page) -> None:
            """Look."""

    sample.install(monkeypatch, Wants)
    said("set", "shop", f"token={CANARY}")
    attempt = given("shop")

    shown = said("show", "shop")

    assert attempt.secrets
    assert CANARY not in shown + said("list") + said("list", "--json")
    facts: dict[str, Any] = json.loads(shown)
    assert (facts["fields"], facts["used_by"], len(facts["uses"])) == (["token"], ["wants"], 1)
    assert "fail until it is set again: wants" in said("delete", "shop")
    assert not Credential.objects.exists()


def test_a_vault_keeps_the_fields_of_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIAL_SHOP_TOKEN", CANARY)

    said("set", "shop", "--kind", "token", "--reference", "env:CREDENTIAL_SHOP")

    assert values_of("shop") == {"token": CANARY}
    with pytest.raises(CommandError, match="may not be read"):
        said("set", "bank", "--reference", "env:DATABASE")


@pytest.mark.parametrize("verb", ["show", "bind", "delete"])
def test_a_name_nobody_set_is_said(verb: str) -> None:
    with pytest.raises(CommandError, match="no credential 'nothing'"):
        said(verb, "nothing")
