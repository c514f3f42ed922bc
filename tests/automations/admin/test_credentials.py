"""Credentials go in and never come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automations.models import Credential
from automations.services.credentials import set_credential
from tests.support.credentials import values_of

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
