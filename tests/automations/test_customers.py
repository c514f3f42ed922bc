"""Customers are made and named, on a page and by command, and whoever names one that is not there is told."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from automations.errors import CustomerInvalidError
from automations.models import Customer
from automations.services.customers import create_customer
from infra_shared.models import ApiKey, AuditLine, OperatorReach
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
PAGES = "/admin/automations/customer/"
KEYS = "/admin/infra_shared/apikey/issue/"


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_a_customer_is_made_listed_and_renamed_by_command() -> None:
    said("customers", "create", "acme-north", "--name", "Acme, north")
    said("customers", "rename", "acme-north", "Acme")

    rows = json.loads(said("customers", "list", "--json"))
    assert [row["name"] for row in rows if row["key"] == "acme-north"] == ["Acme"]
    lines = AuditLine.objects.filter(customer="acme-north").order_by("pk")
    assert [line.action for line in lines] == ["customer.create", "customer.rename"]


@pytest.mark.parametrize("key", ["Acme", "acme_north", "-acme", "*", "", "a" * 64])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(CustomerInvalidError, match="key: "):
        create_customer(key=key, actor="command")

    assert not Customer.objects.filter(key=key).exists()


def test_a_key_is_given_once() -> None:
    said("customers", "create", "acme")

    with pytest.raises(CommandError, match="There is a customer 'acme' already"):
        said("customers", "create", "acme")


def test_a_customer_is_made_and_renamed_in_the_console(console: Client) -> None:
    answer = console.post(f"{PAGES}new/", {"key": "acme", "name": "Acme"})
    row = Customer.objects.get(key="acme")
    console.post(f"{PAGES}{row.pk}/rename/", {"name": "Acme, north"})

    assert answer["Location"] == f"{PAGES}{row.pk}/change/"
    assert "Acme, north" in console.get(PAGES).text
    refused = console.post(f"{PAGES}new/", {"key": "Acme"})
    assert refused.status_code == 422
    assert "Use lower-case letters" in refused.text


def test_who_does_not_reach_all_customers_neither_sees_nor_makes_them() -> None:
    narrowed = in_role("Admin", customers=["main"])
    operator = in_role("Operator")

    assert narrowed.get(PAGES).status_code == 403
    assert operator.get(PAGES).status_code == 200
    assert operator.post(f"{PAGES}new/", {"key": "acme"}).status_code == 403
    assert in_role("Engineer").get(f"{PAGES}new/").status_code == 200


def test_a_key_for_a_customer_that_is_not_there_is_refused(console: Client) -> None:
    wanted = {"caller": "shop", "name": "nightly", "scopes": ["runs:read"], "customers": "main, acmee"}

    answer = console.post(KEYS, wanted)

    assert answer.status_code == 422
    assert "There is no customer &#x27;acmee&#x27;" in answer.text
    with pytest.raises(CommandError, match="There is no customer 'acmee'"):
        said("keys", "create", "shop", "--scope", "runs:read", "--customer", "acmee")
    assert not ApiKey.objects.exists()


def test_what_a_caller_reaches_is_changed_on_its_keys_page_and_by_command(console: Client) -> None:
    create_customer(key="main", actor="command")
    create_customer(key="acme", actor="command")
    said("keys", "create", "shop", "--scope", "runs:read")
    key = ApiKey.objects.select_related("caller").get()

    console.post(f"/admin/infra_shared/apikey/{key.pk}/reach/", {"customers": "acme"})
    key.caller.refresh_from_db()
    assert key.caller.customers == ["acme"]
    said("keys", "reach", "shop", "--customer", "main", "--customer", "acme")

    assert json.loads(said("keys", "list", "--json"))[0]["customers"] == ["acme", "main"]


def test_an_operator_is_not_narrowed_to_a_customer_that_is_not_there(console: Client) -> None:
    in_role("Viewer", name="vera")
    vera = get_user_model().objects.get(username="vera")
    entered = {"username": "vera", "is_active": "on", "is_staff": "on", "customers": "acmee"}
    entered |= {"date_joined_0": "2026-11-01", "date_joined_1": "10:00:00"}

    answer = console.post(f"/admin/auth/user/{vera.pk}/change/", entered)

    assert "There is no customer &#x27;acmee&#x27;" in answer.text
    assert not OperatorReach.objects.exists()


def test_an_operator_is_made_for_some_customers_by_command() -> None:
    said("customers", "create", "acme")

    said("operators", "create", "olga", "--customer", "acme")

    assert OperatorReach.objects.get(user__username="olga").customers == ["acme"]
    with pytest.raises(CommandError, match="no customer 'acmee'"):
        said("operators", "create", "otto", "--customer", "acmee")
