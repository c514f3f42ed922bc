"""What a signed-in operator may see: all customers, or those they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra_shared.models import ALL, OperatorReach

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    AnyUser = AbstractBaseUser | AnonymousUser

_KNOWN = "_customers_in_reach"


def customers_of(user: AnyUser) -> list[str]:
    """The keys of the customers within an operator's reach, ["*"] for all; read once a request."""
    known: list[str] | None = getattr(user, _KNOWN, None)
    if known is None:
        row = OperatorReach.objects.filter(user__pk=user.pk).first() if user.pk else None
        known = [ALL] if row is None else list(row.customers)
        setattr(user, _KNOWN, known)
    return known


def reaches_all(user: AnyUser) -> bool:
    """Whether nothing is hidden from the operator because of whose it is."""
    return ALL in customers_of(user)


def reaches(user: AbstractBaseUser | AnonymousUser, customer: str) -> bool:
    """Whether what belongs to this customer is within the operator's reach."""
    keys = customers_of(user)
    return ALL in keys or customer in keys
