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


class CredentialKind(models.TextChoices):
    """What a credential is, which says what fields it has."""

    LOGIN = "login", "User name and password"
    TOKEN = "token", "Token"
    TOTP = "totp", "One-time codes"
    GENERAL = "general", "Fields of your own"


class Credential(models.Model):
    """A named set of secret fields, such as username and password. Automations name it and never contain it.

    The fields are stored here, or `reference` says where a vault keeps them. Who may use it: an empty list of customers
    or automations allows all. Where it may go: to the origins in `sites`; when there are none, to the sites its
    automation declares, else to those the automation opens itself; with `any_site`, anywhere.
    """

    name = models.CharField(max_length=100, unique=True, validators=[key_validator])
    kind = models.CharField(max_length=10, choices=CredentialKind.choices, default=CredentialKind.GENERAL)
    fields = EncryptedJSONField()
    field_names = models.JSONField(
        default=list, blank=True, help_text="Names of the fields, so that screens can list them."
    )
    reference = models.CharField(
        max_length=200, blank=True, help_text="Where a vault keeps the fields, such as env:CREDENTIAL_SHOP."
    )
    sites = models.JSONField(default=list, blank=True, help_text="Origins it is bound to.")
    any_site = models.BooleanField(default=False, help_text="May go to any site at all.")
    customers = models.JSONField(default=list, blank=True, help_text="Keys of the customers it is for.")
    automations = models.JSONField(default=list, blank=True, help_text="Keys of the automations it is for.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class CredentialUse(models.Model):
    """One attempt was given one credential. Names, not references: the row outlives what it names."""

    credential = models.CharField(max_length=100)
    run_id = models.UUIDField()
    attempt = models.PositiveIntegerField()
    automation = models.CharField(max_length=100)
    customer = models.CharField(max_length=63)
    used_at = models.DateTimeField(db_index=True)  # read by the chore that forgets old ones

    class Meta:
        ordering = ("-pk",)
        # A credential's page shows its latest uses.
        indexes = (models.Index(fields=("credential", "-id"), name="uses_of_a_credential"),)
        constraints = (
            models.UniqueConstraint(fields=("credential", "run_id", "attempt"), name="a_use_is_kept_once"),
        )

    def __str__(self) -> str:
        return f"{self.credential}, by {self.automation}"
