"""Credentials go in and never come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automations.models import AutomationVersion, Credential
from automations.services.credential_use import give
from automations.services.credentials import Binding, set_credential
from infra_shared.models import AuditLine
from tests.support.console import client_with
from tests.support.credentials import asking, given, values_of
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
CREDENTIALS = "/admin/automations/credential/"
SECRET = "open-sesame-4711"
ENTERED = {"name": "shop", "field_0": "username", "value_0": "anna", "field_1": "password", "value_1": SECRET}


def test_a_credential_is_set_and_no_page_shows_its_values(console: Client) -> None:
    console.post(f"{CREDENTIALS}set/", ENTERED)

    credential = Credential.objects.get()
    pages = [CREDENTIALS, f"{CREDENTIALS}{credential.pk}/change/", f"{CREDENTIALS}{credential.pk}/replace/"]
    assert values_of("shop") == {"username": "anna", "password": SECRET}
    assert not [page for page in pages if SECRET in console.get(page).text]


def test_a_refused_form_does_not_send_the_value_back(console: Client) -> None:
    response = console.post(f"{CREDENTIALS}set/", ENTERED | {"name": "Not a name"})

    assert response.status_code == 422
    assert SECRET not in response.text


def test_a_taken_name_is_not_overwritten_by_a_slip(console: Client) -> None:
    set_credential(name="shop", fields={"token": "kept"}, actor="command")

    response = console.post(f"{CREDENTIALS}set/", ENTERED)

    assert "name" in response.context["form"].errors
    assert values_of("shop") == {"token": "kept"}


def test_replacing_takes_all_values_anew(console: Client) -> None:
    credential = set_credential(name="shop", fields={"token": "old"}, actor="command")

    console.post(f"{CREDENTIALS}{credential.pk}/replace/", {"field_0": "token", "value_0": "new"})

    assert values_of("shop") == {"token": "new"}


def test_a_credential_is_set_with_what_it_is_bound_to(console: Client) -> None:
    console.post(f"{CREDENTIALS}set/", ENTERED | {"kind": "login", "sites": "https://Shop.example/in\n"})

    assert given("shop").origins == {"shop": ["https://shop.example"]}


def test_binding_a_credential_takes_no_values_and_leaves_a_line(console: Client) -> None:
    credential = set_credential(name="shop", fields={"token": SECRET}, actor="command")
    page = f"{CREDENTIALS}{credential.pk}/bind/"

    assert console.post(page, {"sites": "not an address"}).status_code == 422
    console.post(page, {"sites": "https://shop.example"})

    assert (values_of("shop"), given("shop").origins["shop"]) == ({"token": SECRET}, ["https://shop.example"])
    assert AuditLine.objects.get(action="credential.bind").actor.startswith("operator:")


def test_the_page_of_a_credential_shows_its_latest_uses_and_that_it_may_go_anywhere(console: Client) -> None:
    credential = set_credential(
        name="shop", fields={"token": SECRET}, binding=Binding(any_site=True), actor="command"
    )
    attempt = asking()
    give(names=["shop"], asking=attempt)

    text = console.get(f"{CREDENTIALS}{credential.pk}/change/").text

    assert f"/admin/runs/run/{attempt.run_id}/change/" in text
    assert "any site a page leads to" in text
    assert SECRET not in text


def test_an_operator_who_may_only_look_can_neither_bind_nor_replace() -> None:
    credential = set_credential(name="shop", fields={"token": SECRET}, actor="command")
    client = client_with("automations.view_credential")

    assert client.get(f"{CREDENTIALS}{credential.pk}/change/").status_code == 200
    for page in ("bind", "replace"):
        assert client.post(f"{CREDENTIALS}{credential.pk}/{page}/", {"sites": ""}).status_code == 403


def test_deleting_a_credential_says_who_needs_it_and_leaves_a_line(version: AutomationVersion) -> None:
    AutomationVersion.objects.filter(pk=version.pk).update(
        options=version.options | {"credentials": ["shop"]}
    )
    credential = set_credential(name="shop", fields={"token": SECRET}, actor="command")
    engineer, page = in_role("Engineer"), f"{CREDENTIALS}{credential.pk}/remove/"

    asked = engineer.get(page).text
    refused = engineer.post(page, {"reason": ""})
    engineer.post(page, {"reason": "The account was closed."})

    assert f"Used by {version.automation}: their runs fail" in asked
    assert refused.status_code == 422
    assert not Credential.objects.exists()
    line = AuditLine.objects.get(action="credential.delete")
    assert (line.actor, line.reason) == ("operator:engineer", "The account was closed.")


def test_deleting_a_credential_takes_a_permission_of_its_own() -> None:
    credential = set_credential(name="shop", fields={"token": SECRET}, actor="command")
    client = client_with("automations.view_credential", "automations.change_credential")
    page = f"{CREDENTIALS}{credential.pk}/remove/"

    assert page not in client.get(f"{CREDENTIALS}{credential.pk}/change/").text
    assert client.post(page, {"reason": "So."}).status_code == 403
    assert Credential.objects.exists()
