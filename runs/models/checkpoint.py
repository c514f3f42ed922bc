"""Where a run can be taken up again."""

from __future__ import annotations

from django.db import models

from infra_shared.crypto import EncryptedJSONField
from runs.models.attempt import Attempt
from runs.models.run import Run


class Checkpoint(models.Model):
    """The newest checkpoint behind one finished stage of a run: state, cookies, storage and page, encrypted.

    Whoever holds it is signed in: it is never served, erased when the run succeeds, and some days after any other end.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="checkpoints")
    position = models.PositiveSmallIntegerField(help_text="Of the finished stage, from 1.")
    stage = models.CharField(max_length=100)
    content = EncryptedJSONField()
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ("run", "position")
        constraints = [models.UniqueConstraint(fields=("run", "position"), name="checkpoint_once")]

    def __str__(self) -> str:
        return f"after {self.stage}"
