"""Customers: made and named. None is ever deleted or given another key: what ran for it stays explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from automations.errors import CustomerInvalidError, FieldProblem
from automations.models import DEFAULT_CUSTOMER, Customer
from infra_shared.services import audit

if TYPE_CHECKING:
    from collections.abc import Iterable


def default_customer() -> Customer:
    """The customer on whose behalf a run happens unless said otherwise; every installation has it once it is asked for."""
    defaults = {"name": DEFAULT_CUSTOMER.capitalize()}
    return Customer.objects.get_or_create(key=DEFAULT_CUSTOMER, defaults=defaults)[0]


def create_customer(*, key: str, name: str = "", actor: str) -> Customer:
    """A new customer; CustomerInvalidError when the key is taken or none, or the name does not fit."""
    customer = _checked(Customer(key=key, name=name.strip()))
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
            _note("customer.create", customer, actor)
    except IntegrityError as error:
        raise CustomerInvalidError([FieldProblem("key", f"There is a customer {key!r} already.")]) from error
    return customer


@transaction.atomic
def rename_customer(*, customer: Customer, name: str, actor: str) -> Customer:
    """The customer under another name; its key stays. CustomerInvalidError when the name does not fit."""
    row = Customer.objects.select_for_update().get(pk=customer.pk)
    row.name = name.strip()
    _checked(row).save(update_fields=["name"])
    _note("customer.rename", row, actor)
    return row


def unknown_among(keys: Iterable[str]) -> list[str]:
    """Those of the keys that no customer has, in alphabetical order."""
    asked = set(keys) - {DEFAULT_CUSTOMER}  # which is made when a node first starts
    return sorted(asked - set(Customer.objects.filter(key__in=asked).values_list("key", flat=True)))


def _checked(customer: Customer) -> Customer:
    try:
        customer.clean_fields()
    except ValidationError as error:
        problems = [
            FieldProblem(field, " ".join(words)) for field, words in sorted(error.message_dict.items())
        ]
        raise CustomerInvalidError(problems) from error
    return customer


def _note(action: str, customer: Customer, actor: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_kind="customer",
        object_id=customer.key,
        customer=customer.key,
        details={"name": customer.name},
    )
