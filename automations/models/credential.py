"""What an automation signs in with: named, encrypted, written and never shown."""

from __future__ import annotations

from django.db import models

from automations.models.customer import key_validator
from infra_shared.crypto import EncryptedJSONField


class SpentCode(models.Model):
    """A time step of a credential whose one-time code was given out: it is never given out again.

    The row is there before the code leaves, and the unique pair, not a lock, decides who gets it. It names the
    credential and does not refer to it, for one that is deleted and set again with the same seed must not forget.
    """

    credential = models.CharField(max_length=100)
    step = models.BigIntegerField(
        help_text="Unix time divided by the period of the codes, as RFC 6238 counts."
    )
    taken_by = models.UUIDField(
        help_text="Of the one request that was given the code, however often it was tried."
    )
    spent_at = models.DateTimeField(db_index=True)  # read by the chore that forgets old ones

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("credential", "step"), name="a_code_is_given_out_once"),
        )

    def __str__(self) -> str:
        return f"{self.credential}, time step {self.step}"


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
