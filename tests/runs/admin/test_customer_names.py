"""Rows that know their customer by its key alone call it by its name, as all other pages do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from automations.models import Customer
from infra_shared.clock import utc_now
from infra_shared.models import Deletion, SignedInSession
from infra_shared.services.alerts import alert
from infra_shared.services.audit import record

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
ROWS: dict[str, Callable[[str], Any]] = {
    "alert": lambda key: alert(key=f"failure:{key}", title="It failed", text="Why.", customer=key),
    "auditline": lambda key: record(
        actor="command", action="run.pin", object_kind="run", object_id=1, customer=key
    ),
    "deletion": lambda key: Deletion.objects.create(
        at=utc_now(), what="run", rule="old", rows=1, actor="system", customer=key
    ),
    "signedinsession": lambda key: SignedInSession.objects.create(site="shop", account="anna", customer=key),
}


@pytest.mark.parametrize("model", ROWS)
def test_a_customer_is_called_by_its_name_and_by_its_key_where_it_has_none(
    model: str, console: Client
) -> None:
    Customer.objects.create(key="acme", name="Acme Logistics")
    pages = f"/admin/infra_shared/{model}/"
    rows = [ROWS[model](key) for key in ("acme", "gone")]

    listed = console.get(pages).context["cl"].result_list
    shown = [console.get(f"{pages}{row.pk}/change/").text for row in rows]

    assert {row.customer_name for row in listed} == {"Acme Logistics", "gone"}
    assert "Acme Logistics" in console.get(pages).text
    assert "<dd>Acme Logistics</dd>" in shown[0]
    assert "<dd>gone</dd>" in shown[1]
