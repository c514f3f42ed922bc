"""The secret params of a run, as long as it is not over."""

from __future__ import annotations

from django.db import models

from infra_shared.crypto import EncryptedJSONField
from runs.models.run import Run


class RunSecrets(models.Model):
    """The values of a run's secret params by name, encrypted; the run's own params say ••• in their places.

    In a row of its own, so that reading a run decrypts nothing. The lifecycle deletes it in the transaction in which the
    run becomes terminal.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="secrets")
    content = EncryptedJSONField()

    class Meta:
        verbose_name_plural = "run secrets"

    def __str__(self) -> str:
        return f"secrets of {self.run_id}"
