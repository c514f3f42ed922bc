"""Which customers a form offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from automations.models import Customer
from infra_shared.models import ALL
from infra_shared.reach import customers_of

if TYPE_CHECKING:
    from django import forms
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


def offer_customers(form: forms.Form, user: AbstractBaseUser | AnonymousUser) -> None:
    """Let the form's field `customer` take only those within the operator's reach."""
    keys = customers_of(user)
    if ALL in keys:
        return
    offered = Customer.objects.filter(key__in=keys)
    cast("forms.ModelChoiceField[Customer]", form.fields["customer"]).queryset = offered
    form.initial["customer"] = keys[0] if keys else None
