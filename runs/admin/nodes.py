"""Nodes and their worker processes, and asking a node to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count
from django.utils import timezone

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.templatetags.console import ago, pill, when
from runs.admin.asking import ReasonForm
from runs.errors import RunsError
from runs.models import Node
from runs.services.draining import ask_to_drain
from runs.services.nodes import node_state

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

DRAIN_MEANS = (
    "It is given no more work at once, ends what it is doing, and then leaves by itself. Runs that only this node can "
    "make wait until another one can. Whatever starts the node decides whether it comes back."
)


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

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Asking a node to leave."""
        return [("<uuid:pk>/drain/", self.drain_view, "drain")]

    def drain_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Ask a node to leave, after saying what that means."""
        self.require(request, "drain")
        node: Node = self.found(request, pk)
        back = self.url("change", pk)
        form = ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self.page(
                request,
                "review/form.html",
                title=f"Drain {node.name}",
                form=form,
                submit="Drain the node",
                back=back,
                warning=DRAIN_MEANS,
            )
        try:
            asked = ask_to_drain(node=node, actor=actor(request), reason=form.cleaned_data["reason"])
        except RunsError as error:
            return self.refused(request, str(error), back)
        if not asked:
            return self.refused(request, "The node is leaving already.", back)
        return self.done(request, "The node takes no more work and leaves with its last attempt.", back)

    def row_page(self, request: HttpRequest, node: Node) -> HttpResponse:
        """One node with its processes and what they have in hand."""
        processes = node.processes.select_related("current_attempt__run__automation").order_by("queue", "pid")
        state = node_state(node, timezone.now())
        may_drain = state == "alive" and self.may(request, "drain")
        tools = [("Drain it", self.url("drain", node.pk))] if may_drain else []
        return self.page(
            request,
            "review/node.html",
            title=f"Node {node.name}",
            node=node,
            state=state,
            tools=tools,
            processes=processes,
            now=timezone.now(),
        )
