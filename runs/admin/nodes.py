"""Nodes and their worker processes, to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Count
from django.utils import timezone

from infra_shared.admin.base import ConsoleAdmin
from infra_shared.templatetags.console import ago, pill, when
from runs.models import Node

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


def node_state(node: Node, now: datetime) -> str:
    """Whether a node works, in one word; three leases of silence count as gone."""
    if node.stopped_at is not None:
        return "stopped"
    if node.heartbeat_at < now - 3 * settings.LEASE:
        return "gone"
    return "draining" if node.draining_since is not None else "alive"


@admin.register(Node)
class NodeAdmin(ConsoleAdmin):
    """The machines that work, those heard last first."""

    list_display = ("name", "state", "served", "hands", "heard", "since")
    ordering = ("-heartbeat_at",)
    empty_words = ("No node has ever started", "Runs wait until one does. Start it with: manage.py worker")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Node]:
        """With the number of worker processes."""
        rows: QuerySet[Node] = super().get_queryset(request)
        return rows.annotate(process_count=Count("processes"))

    @admin.display(description="State")
    def state(self, node: Node) -> str:
        """Whether it works."""
        return pill(node_state(node, timezone.now()))

    @admin.display(description="Queues")
    def served(self, node: Node) -> str:
        """The run queues it serves."""
        return ", ".join(node.queues)

    @admin.display(description="Worker processes")
    def hands(self, node: Any) -> int:
        """How many processes it has now."""
        return int(node.process_count)

    @admin.display(description="Heard")
    def heard(self, node: Node) -> str:
        """When it last said that it lives."""
        return ago(node.heartbeat_at)

    @admin.display(description="Started")
    def since(self, node: Node) -> str:
        """When it started."""
        return when(node.started_at)

    def row_page(self, request: HttpRequest, node: Node) -> HttpResponse:
        """One node with its processes and what they have in hand."""
        processes = node.processes.select_related("current_attempt__run__automation").order_by("queue", "pid")
        return self.page(
            request,
            "review/node.html",
            title=f"Node {node.name}",
            node=node,
            state=node_state(node, timezone.now()),
            processes=processes,
            now=timezone.now(),
        )
