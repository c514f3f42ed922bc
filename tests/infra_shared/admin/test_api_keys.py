"""API keys are shown once, rotated with grace, and revoked at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infra_shared.models import ApiKey, AuditLine
from infra_shared.services.api_keys import ApiKeyRefusedError, authenticate

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
KEYS = "/admin/infra_shared/apikey/"
ENTERED = {
    "caller": "accounting",
    "customers": "*",
    "name": "nightly",
    "scopes": ["runs:read", "runs:write"],
    "days": "30",
}


def issue(console: Client) -> str:
    response = console.post(f"{KEYS}issue/", ENTERED)
    found = re.search(r'id="api-key"[^>]*>([^<]+)<', response.text)
    assert found, response.text
    assert "no-store" in response.headers["Cache-Control"]
    return found[1]


def test_a_key_is_shown_once_and_opens_what_was_ticked(console: Client) -> None:
    plaintext = issue(console)

    key = authenticate(plaintext)
    pages = [KEYS, f"{KEYS}{key.pk}/change/"]
    assert (key.caller.name, key.scopes) == ("accounting", ["runs:read", "runs:write"])
    assert key.expires_at is not None
    assert not [page for page in pages if plaintext in console.get(page).text]
    assert plaintext not in str(dict(console.cookies))


def test_rotation_gives_a_new_key_and_lets_the_old_one_work_on(console: Client) -> None:
    old = issue(console)
    key = ApiKey.objects.get()

    response = console.post(f"{KEYS}{key.pk}/rotate/", {"hours": "24"})

    assert authenticate(old).pk == key.pk
    assert ApiKey.objects.count() == 2
    assert old not in response.text


def test_a_revoked_key_opens_nothing_and_the_audit_log_says_why(console: Client) -> None:
    plaintext = issue(console)
    key = ApiKey.objects.get()

    console.post(f"{KEYS}{key.pk}/revoke/", {"reason": "Left on a train"})

    with pytest.raises(ApiKeyRefusedError):
        authenticate(plaintext)
    line = AuditLine.objects.get(action="api_key.revoke")
    assert (line.actor, line.reason) == ("operator:anna", "Left on a train")


def test_a_key_without_any_scope_is_refused(console: Client) -> None:
    response = console.post(f"{KEYS}issue/", ENTERED | {"scopes": []})

    assert response.status_code == 422
    assert not ApiKey.objects.exists()
