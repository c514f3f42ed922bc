"""On whose behalf a run happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import RegexValidator
from django.db import models

from infra_shared.models import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_CUSTOMER = "main"
key_validator = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$",
    "Use lower-case letters, digits and hyphens, such as 'acme-north'.",
)


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Questions about customers."""

    def for_customers(self, customers: Iterable[str]) -> CustomerQuerySet:
        """Those of a list of customer keys; "*" means all."""
        keys = list(customers)
        return self if ALL in keys else self.filter(key__in=keys)


class Customer(models.Model):
    """One customer; runs, schedules and keys name it by its key."""

    key = models.CharField(max_length=63, unique=True, validators=[key_validator])
    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ("key",)

    def __str__(self) -> str:
        return self.name or self.key
