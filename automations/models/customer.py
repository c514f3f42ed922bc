"""On whose behalf a run happens."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

DEFAULT_CUSTOMER = "main"
key_validator = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$",
    "Use lower-case letters, digits and hyphens, such as 'acme-north'.",
)


class Customer(models.Model):
    """One customer; runs, schedules and keys name it by its key."""

    key = models.CharField(max_length=63, unique=True, validators=[key_validator])
    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("key",)

    def __str__(self) -> str:
        return self.name or self.key
