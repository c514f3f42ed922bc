"""What a run asks a person."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from infra_shared.crypto import EncryptedJSONField, Sealed
from runs.models.attempt import Attempt
from runs.models.run import Run
from webgraph.errors import FailureKind


class QuestionQuerySet(models.QuerySet["Question"]):
    """Questions about questions."""

    def open(self) -> QuestionQuerySet:
        """Those somebody may still answer."""
        return self.filter(closed_at__isnull=True)

    def of_parked(self) -> QuestionQuerySet:
        """Open ones no attempt waits for, the most urgent first; a held one is its attempt's own business."""
        return self.open().filter(hold=False).order_by("deadline_at")


class Question(models.Model):
    """One question of a run. `answer` is kept, encrypted, only as long as an attempt may need it.

    `shown_answer` is what stays: the same without its secrets. A question that was closed without an answer was
    withdrawn, or nobody answered in time.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="questions")
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="questions")
    key = models.CharField(max_length=200)
    stage = models.CharField(max_length=100)
    prompt = models.TextField()
    problem = models.CharField(max_length=500, blank=True, help_text="Why an answer before did not fit.")
    schema = models.JSONField()
    hold = models.BooleanField(default=False, help_text="Whether the browser waits for the answer.")
    on_timeout = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in FailureKind])
    asked_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answer: models.Field[Any, Sealed | None] = EncryptedJSONField(  # type: ignore[misc]  # its own type is that of a filled column
        null=True, blank=True
    )
    shown_answer = models.JSONField(null=True, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=("run",), name="question_open_once", condition=Q(closed_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(answered_by="") | Q(closed_at__isnull=False), name="question_answered_is_closed"
            ),
        ]
        indexes = [
            models.Index(fields=("deadline_at",), name="question_open", condition=Q(closed_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.prompt

    @property
    def secret_fields(self) -> frozenset[str]:
        """The names of the answer's fields whose values are shown to nobody."""
        return frozenset(name for name, spec in self.properties.items() if _is_secret(spec))

    @property
    def properties(self) -> dict[str, Any]:
        """The answer's fields as their JSON Schema describes them, by name."""
        return dict(self.schema.get("properties", {}))


def _is_secret(spec: dict[str, Any]) -> bool:
    options = [spec, *spec.get("anyOf", [])]
    return any(option.get("format") == "password" or option.get("writeOnly") for option in options)
