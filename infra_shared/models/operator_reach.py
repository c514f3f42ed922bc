"""Which customers an operator works for."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class OperatorReach(models.Model):
    """The customers one operator reaches, where that was narrowed; an operator without a row reaches all."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reach")
    customers = models.JSONField(
        default=list, blank=True, help_text="Keys of the customers; an empty list reaches none."
    )

    class Meta:
        ordering = ("user",)
        verbose_name = "reach"
        verbose_name_plural = "reach"

    def __str__(self) -> str:
        return ", ".join(self.customers)
