"""Codes of second factors that were used."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SpentFactorCode(models.Model):
    """One code an operator signed in with, as a keyed digest; its UNIQUE row is what refuses the same code again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    spent_at = models.DateTimeField(db_index=True, help_text="The purge reads by it.")

    class Meta:
        ordering = ("-spent_at",)
        constraints = [
            models.UniqueConstraint(fields=("user", "digest"), name="factor_code_is_spent_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.spent_at:%Y-%m-%d %H:%M:%S}"
