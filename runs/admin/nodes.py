"""Nodes and their worker processes, and asking a node to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.utils import timezone

from infra_shared.admin.base import ConsoleAdmin, actor
from infra_shared.reach import reaches, reaches_all
from infra_shared.templatetags.console import NOTHING, ago, pill, when
from runs.admin.asking import ReasonForm
from runs.errors import RunsError
from runs.models import Node
from runs.services.dispatchers import TICKING, dispatcher_state, read_dispatchers
from runs.services.draining import ask_to_drain
from runs.services.nodes import node_state

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from runs.models import DispatcherProcess, Run, WorkerProcess

DRAIN_MEANS = (
    "It is given no more work at once, ends what it is doing, and then leaves by itself. Runs that only this node can "
    "make wait until another one can. Whatever starts the node decides whether it comes back."
)
NOBODY_DISPATCHES = (
    "No dispatcher works: until one does, schedules fire and runs begin late, once a minute, by the chores of a node that "
    "lives. Each node starts one, unless it was told --no-dispatcher."
)


@admin.register(Node)
class NodeAdmin(ConsoleAdmin):
    """The machines that work, those heard last first."""

    list_display = ("name", "state", "dispatches", "served", "hands", "heard", "since")
    ordering = ("-heartbeat_at",)
    empty_words = ("No node has ever started", "Runs wait until one does. Start it with: manage.py worker")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Node]:
        """With the number of worker processes, and the dispatcher."""
        rows: QuerySet[Node] = super().get_queryset(request)
        return rows.select_related("dispatcher").annotate(process_count=Count("processes"))

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """What no node's row tells: that nobody dispatches, or that dispatchers by themselves do."""
        known = read_dispatchers(timezone.now())
        if not any(state == TICKING for _, state in known):
            last = [f"The last tick was completed {ago(row.ticked_at)}, on {row}." for row, _ in known[:1]]
            return {"notice": " ".join([NOBODY_DISPATCHES, *last])}
        alone = [f"{row} ({state}, {ago(row.ticked_at)})" for row, state in known if row.node_id is None]
        return {"notice": f"Dispatchers by themselves: {', '.join(alone)}."} if alone else {}

    @admin.display(description="State")
    def state(self, node: Node) -> str:
        """Whether it works."""
        return pill(node_state(node, timezone.now()))

    @admin.display(description="Dispatcher")
    def dispatches(self, node: Node) -> str:
        """Whether its dispatcher does its work; a dash where it has none."""
        row = _dispatcher_of(node)
        return pill(dispatcher_state(row, timezone.now())) if row is not None else NOTHING

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

    def may_drain(self, request: HttpRequest) -> bool:
        """Whether the operator may ask a node to leave: it works for every customer, so a partial reach is not enough."""
        return self.may(request, "drain") and reaches_all(request.user)

    def drain_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Ask a node to leave, after saying what that means."""
        if not self.may_drain(request):
            raise PermissionDenied
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
        processes = node.processes.select_related(
            "current_attempt__run__automation", "current_attempt__run__customer"
        )
        state, dispatcher = node_state(node, timezone.now()), _dispatcher_of(node)
        is_offered = state == "alive" and self.may_drain(request)
        tools = [("Drain it", self.url("drain", node.pk))] if is_offered else []
        return self.page(
            request,
            "review/node.html",
            title=f"Node {node.name}",
            node=node,
            state=state,
            dispatcher=dispatcher,
            dispatcher_state=dispatcher and dispatcher_state(dispatcher, timezone.now()),
            tools=tools,
            processes=[
                (process, _shown_run(process, request)) for process in processes.order_by("queue", "pid")
            ],
            now=timezone.now(),
        )


def _shown_run(process: WorkerProcess, request: HttpRequest) -> Run | None:
    """The run a process has in hand, where it is within the operator's reach."""
    attempt = process.current_attempt
    return attempt.run if attempt is not None and reaches(request.user, attempt.run.customer.key) else None


def _dispatcher_of(node: Node) -> DispatcherProcess | None:
    """The node's own; None where it was told to start none, or where that left on purpose."""
    row: DispatcherProcess | None = getattr(node, "dispatcher", None)
    return row
