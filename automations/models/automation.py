"""What can run, in numbered immutable versions."""

from __future__ import annotations

from typing import Any

from django.db import models

from automations.models.customer import key_validator


class AutomationKind(models.TextChoices):
    """How an automation is written."""

    PYTHON = "python", "Python"
    FLOW = "flow", "Flow document"
    SHARED = "shared", "Shared stages"
    """A document that flows include; it is versioned like an automation and never runs by itself."""


class AutomationQuerySet(models.QuerySet["Automation"]):
    """Questions about automations."""

    def runnable(self) -> AutomationQuerySet:
        """Those a run may be requested of: not retired, with a published version."""
        return self.that_run().filter(retired_at__isnull=True, latest_version__isnull=False)

    def that_run(self) -> AutomationQuerySet:
        """All but documents that only flows include."""
        return self.exclude(kind=AutomationKind.SHARED)


class Automation(models.Model):
    """One automation. What it does stands in its versions; this row says which of them is the latest published."""

    key = models.CharField(max_length=100, unique=True, validators=[key_validator])
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=10, choices=AutomationKind.choices, default=AutomationKind.PYTHON)
    latest_version = models.ForeignKey(
        "automations.AutomationVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AutomationQuerySet.as_manager()

    class Meta:
        ordering = ("key",)

    def __str__(self) -> str:
        return self.title or self.key

    @property
    def is_runnable(self) -> bool:
        """Whether a run may be requested of it, as `runnable` asks of many."""
        runs = self.kind != AutomationKind.SHARED
        return runs and self.retired_at is None and self.latest_version_id is not None


class AutomationVersion(models.Model):
    """One immutable version: the hash of its source and schemas, and all a run needs to know of it.

    `stages` is a list of {"name", "title", "effect"}; `options` holds deadline_seconds, step_timeout_seconds,
    max_attempts, max_concurrent, queue, evidence, credentials, allow_latest and retryable, as declared. `source` is
    the module or the document; `included` the text of each shared document a flow was made with, by key.
    """

    automation = models.ForeignKey(Automation, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    module = models.CharField(max_length=300, blank=True)
    source = models.TextField(blank=True)
    included = models.JSONField(default=dict, blank=True)
    params_schema = models.JSONField(default=dict)
    result_schema = models.JSONField(default=dict)
    stages = models.JSONField(default=list)
    options = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("automation", "-number")
        constraints = [
            models.UniqueConstraint(fields=("automation", "number"), name="version_number_once"),
            models.UniqueConstraint(fields=("automation", "digest"), name="version_digest_once"),
        ]

    def __str__(self) -> str:
        return f"{self.automation.key} v{self.number}"

    @property
    def runs_on_any_node(self) -> bool:
        """Whether every node can run it: a flow carries all it needs, and some code allows a newer version."""
        return self.automation.kind == AutomationKind.FLOW or bool(self.option("allow_latest"))

    def option(self, name: str) -> Any:
        """One declared option; KeyError names an option no version has."""
        return self.options[name]
