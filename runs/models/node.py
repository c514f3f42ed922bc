"""The machines that work, their worker processes, and the dispatchers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from infra_shared.ids import uuid7

if TYPE_CHECKING:
    from datetime import datetime


class Node(models.Model):
    """One machine's worker tree. `versions` are the digests of the automation versions it can run."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    queues = models.JSONField(default=list)
    versions = models.JSONField(default=list)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    draining_since = models.DateTimeField(null=True, blank=True)
    drain_asked_by = models.CharField(
        max_length=200, blank=True, help_text="Who asked it to leave; empty: nobody, or a signal did."
    )
    stopped_at = models.DateTimeField(null=True, blank=True)
    browsers = models.PositiveIntegerField(default=0)
    browser_memory_bytes = models.PositiveBigIntegerField(default=0)
    browsers_started = models.PositiveIntegerField(default=0, help_text="Since the node started.")

    class Meta:
        ordering = ("-heartbeat_at",)
        permissions = (("drain_node", "Can have nodes leave"),)

    def __str__(self) -> str:
        return self.name


class WorkerProcessQuerySet(models.QuerySet["WorkerProcess"]):
    """Questions about worker processes."""

    def fresh(self, now: datetime) -> WorkerProcessQuerySet:
        """Those whose lease still runs."""
        return self.filter(lease_expires_at__gte=now)

    def free(self, now: datetime) -> WorkerProcessQuerySet:
        """Fresh ones of nodes that still start work and that have no attempt in hand."""
        return self.fresh(now).filter(current_attempt__isnull=True, node__draining_since__isnull=True)


class WorkerProcess(models.Model):
    """One process that executes attempts, one at a time. Its heartbeat extends the lease of what it works on."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="processes")
    queue = models.CharField(max_length=63)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    lease_expires_at = models.DateTimeField()
    current_attempt = models.ForeignKey(
        "runs.Attempt", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    browser_contexts = models.PositiveSmallIntegerField(default=0)

    objects = WorkerProcessQuerySet.as_manager()

    class Meta:
        ordering = ("node", "queue", "pid")
        indexes = [models.Index(fields=("queue", "lease_expires_at"), name="worker_by_queue")]

    def __str__(self) -> str:
        return f"{self.node.name} {self.queue} {self.pid}"


class DispatcherProcess(models.Model):
    """One dispatcher, a node's or one that was started by itself. It only says something when it got on with its work."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    node = models.OneToOneField(
        Node,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="dispatcher",
        help_text="Empty for one that was started by itself.",
    )
    host_name = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    ticked_at = models.DateTimeField(
        help_text="When it last had done all that was due; told each quarter lease."
    )

    class Meta:
        ordering = ("-ticked_at",)

    def __str__(self) -> str:
        return self.node.name if self.node is not None else f"{self.host_name} {self.pid}"
