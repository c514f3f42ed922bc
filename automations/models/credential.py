"""What an automation signs in with: named, encrypted, written and never shown."""

from __future__ import annotations

from django.db import models

from automations.models.customer import key_validator
from infra_shared.crypto import EncryptedJSONField


class Credential(models.Model):
    """A named set of secret fields, such as username and password. Automations name it and never contain it."""

    name = models.CharField(max_length=100, unique=True, validators=[key_validator])
    fields = EncryptedJSONField()
    field_names = models.JSONField(
        default=list, help_text="Names of the fields, so that screens can list them."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
