"""Who did what, when, and why."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class AuditLineQuerySet(models.QuerySet["AuditLine"]):
    """Questions about the audit log."""

    def about(self, object_kind: str, object_id: str) -> AuditLineQuerySet:
        """What was done to one object, newest first."""
        return self.filter(object_kind=object_kind, object_id=object_id).order_by("-id")


class AuditLine(models.Model):
    """One action by somebody, written in the action's own transaction and never changed."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=200, help_text="operator:anna, caller:ci, command or system.")
    action = models.CharField(max_length=100, help_text="Noun and verb, such as run.rerun.")
    object_kind = models.CharField(max_length=50)
    object_id = models.CharField(max_length=100)
    customer = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    details = models.JSONField(default=dict)

    objects = AuditLineQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=~Q(actor="") & ~Q(action="") & ~Q(object_kind=""),
                name="audit_line_says_who_did_what",
            ),
        ]
        indexes = [
            models.Index(fields=("object_kind", "object_id", "-id"), name="audit_by_object"),
            models.Index(fields=("actor", "-id"), name="audit_by_actor"),
            models.Index(fields=("action", "-id"), name="audit_by_action"),
            models.Index(fields=("customer", "-id"), name="audit_by_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_id}"
