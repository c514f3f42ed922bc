"""Credentials are stored encrypted, named, and never shown."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from automations.errors import CredentialError
from automations.models import Credential
from automations.services.credentials import set_credential
from infra_shared.models import AuditLine
from tests.support.credentials import values_of

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.django_db
CANARY = "canary-7Hq2-horse"


def test_a_value_is_never_stored_in_clear() -> None:
    set_credential(name="shop", fields={"username": "anna", "password": CANARY}, actor="command")

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM automations_credential")
        stored = str(cursor.fetchall())

    assert CANARY not in stored
    assert CANARY not in str(list(AuditLine.objects.values()))
    assert CANARY not in repr(Credential.objects.get().fields)
    assert values_of("shop") == {"username": "anna", "password": CANARY}


def test_a_missing_credential_says_how_to_set_it() -> None:
    with pytest.raises(CredentialError, match=r"manage\.py credentials set shop"):
        values_of("shop")


@pytest.mark.parametrize("fields", [{}, {"password": ""}])
def test_an_empty_credential_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(CredentialError):
        set_credential(name="shop", fields=fields, actor="command")


def test_the_command_sets_a_credential_and_prints_no_value() -> None:
    out = io.StringIO()

    call_command("credentials", "set", "shop", "username=anna", f"password={CANARY}", stdout=out)
    call_command("credentials", "list", stdout=out)

    assert "password, username" in out.getvalue()
    assert CANARY not in out.getvalue()


def test_the_command_asks_for_a_field_without_a_value(monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))

    call_command("credentials", "set", "shop", "password", stdout=io.StringIO())

    assert values_of("shop")["password"] == CANARY


def test_a_name_with_spaces_is_refused() -> None:
    with pytest.raises(CommandError, match="lower-case"):
        call_command("credentials", "set", "my shop", "password=x", stdout=io.StringIO())
