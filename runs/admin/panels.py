"""What the overview says about runs: what needs a person, what failed, what comes next, who works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from automations.models import Schedule
from infra_shared.counting import counted_up_to
from infra_shared.models import ALL, OutboxMessage, Spool
from infra_shared.overview import Panel, register
from infra_shared.reach import customers_of, reaches_all
from infra_shared.sizes import in_words
from infra_shared.templatetags.console import span
from runs.admin import wording
from runs.admin.figures import figures_of, read_chart
from runs.admin.health import dots
from runs.models import Attempt, AutomationHealth, Node, Run
from runs.services.nodes import node_state
from runs.states import WAITING_RUNS, AttemptState, RunState

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from runs.models import RunQuerySet

SHOWN = 8
MOST_COUNTED = 1_000
STREAK = 3
"""As many failures in a row are no accident."""


def _counts(*questions: QuerySet[Any]) -> list[str]:
    """How many rows answer each question, in words: "1000+" where there are more than are counted."""
    found = counted_up_to(MOST_COUNTED, *questions)
    return [f"{count}+" if count >= MOST_COUNTED else str(count) for count in found]


def _link(query: str) -> str:
    return f"{reverse('admin:runs_run_changelist')}?{query}"


def _any_of(states: Collection[str]) -> str:
    return f"state__in={','.join(sorted(states))}"


def _reached(request: HttpRequest) -> RunQuerySet:
    """The runs within the operator's reach."""
    return Run.objects.for_customers(customers_of(request.user))


def _numbers(request: HttpRequest) -> dict[str, Any]:
    runs = _reached(request)
    person, failed, running, waiting, *unsent = _counts(
        runs.filter(state=RunState.WAITING_INPUT),
        runs.open_failures(),
        runs.filter(state=RunState.RUNNING),
        runs.filter(state__in=sorted(WAITING_RUNS)),
        *([OutboxMessage.objects.failed()] if _sees_messages(request) else []),
    )
    return {
        "numbers": [
            (
                "Need a person",
                person,
                _link(f"state__exact={RunState.WAITING_INPUT}"),
                "person" if person != "0" else "plain",
            ),
            ("Open failures", failed, _link("attention=open"), "bad" if failed != "0" else "plain"),
            (
                "Running now",
                running,
                _link(f"state__exact={RunState.RUNNING}"),
                "busy",
            ),
            ("Waiting", waiting, _link(_any_of(WAITING_RUNS)), "plain"),
            (
                "Longest wait for a worker",
                _queue_age(request),
                _link(f"state__exact={RunState.QUEUED}"),
                "plain",
            ),
            *(("Messages not sent", count, _failed_messages(), "bad") for count in unsent if count != "0"),
        ]
    }


def _failed_messages() -> str:
    return f"{reverse('admin:infra_shared_outboxmessage_changelist')}?state__exact=failed"


def _sees_messages(request: HttpRequest) -> bool:
    return reaches_all(request.user) and request.user.has_perm("infra_shared.view_outboxmessage")


def _queue_age(request: HttpRequest) -> str:
    """How long the attempt that is due longest has waited for a worker; "none" while none is due."""
    now = timezone.now()
    due = Attempt.objects.filter(state=AttemptState.QUEUED, due_at__lte=now)
    customers = customers_of(request.user)
    if ALL not in customers:
        due = due.filter(run__customer__key__in=customers)
    oldest = due.order_by("due_at").values_list("due_at", flat=True).first()
    return span(now - oldest) if oldest is not None else "none"


def _runs(rows: QuerySet[Run]) -> list[tuple[Run, str]]:
    shown = rows.select_related("automation", "customer").order_by("-id")[:SHOWN]
    return [(run, wording.failure_sentence(run)) for run in shown]


def _person(request: HttpRequest) -> dict[str, Any]:
    rows = _runs(_reached(request).filter(state=RunState.WAITING_INPUT))
    return {
        "runs": rows,
        "more_url": _link(f"state__exact={RunState.WAITING_INPUT}"),
        "empty": "Nothing waits for you.",
    }


def _failures(request: HttpRequest) -> dict[str, Any]:
    return {
        "runs": _runs(_reached(request).open_failures()),
        "more_url": _link("attention=open"),
        "empty": "No failure is open.",
    }


def _streaks(request: HttpRequest) -> dict[str, Any]:
    rows = AutomationHealth.objects.filter(failing_streak__gte=STREAK).select_related(
        "automation", "customer"
    )
    customers = customers_of(request.user)
    if ALL not in customers:
        rows = rows.filter(customer__key__in=customers)
    streaks = [
        (
            row,
            dots(row.recent),
            _link(f"attention=open&automation__id__exact={row.automation_id}"),
        )
        for row in rows.order_by("-failing_streak")[:SHOWN]
    ]
    return {"streaks": streaks, "more_url": reverse("admin:runs_failurefamily_changelist")}


def _charts(request: HttpRequest) -> dict[str, Any]:
    return {"chart": read_chart(figures_of(customers=customers_of(request.user)))}


def _fires(request: HttpRequest) -> dict[str, Any]:
    rows = Schedule.objects.filter(next_fire_at__isnull=False, paused_at__isnull=True)
    customers = customers_of(request.user)
    if ALL not in customers:
        rows = rows.filter(customer__key__in=customers)
    return {
        "schedules": rows.select_related("automation").order_by("next_fire_at")[:SHOWN],
        "more_url": reverse("admin:automations_schedule_changelist"),
    }


def _nodes(_request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    fresh = Q(processes__lease_expires_at__gte=now)
    nodes = Node.objects.filter(stopped_at__isnull=True).annotate(
        process_count=Count("processes", filter=fresh),
        busy_count=Count("processes__current_attempt", filter=fresh),
    )
    rows = [
        (node, node_state(node, now), node.process_count, node.busy_count)
        for node in nodes.order_by("-heartbeat_at")[:SHOWN]
    ]
    spools = [(spool, in_words(spool.waiting_bytes)) for spool in Spool.objects.filled()[:SHOWN]]
    return {"nodes": rows, "spools": spools, "more_url": reverse("admin:runs_node_changelist")}


_OF_RUNS = "runs.view_run"
register(
    Panel(
        title="",
        template="review/panels/numbers.html",
        facts=_numbers,
        permission=_OF_RUNS,
        order=10,
        is_wide=True,
    )
)
register(
    Panel(
        title="Needs a person now",
        template="review/panels/runs.html",
        facts=_person,
        permission=_OF_RUNS,
        order=20,
    )
)
register(
    Panel(
        title="Open failures",
        template="review/panels/runs.html",
        facts=_failures,
        permission=_OF_RUNS,
        order=30,
    )
)
register(
    Panel(
        title="Runs over time",
        template="review/panels/charts.html",
        facts=_charts,
        permission=_OF_RUNS,
        order=15,
        is_wide=True,
    )
)
register(
    Panel(
        title="Failing again and again",
        template="review/panels/streaks.html",
        facts=_streaks,
        permission=_OF_RUNS,
        order=35,
    )
)
register(
    Panel(
        title="Next fires",
        template="review/panels/fires.html",
        facts=_fires,
        permission="automations.view_schedule",
        order=40,
    )
)
register(
    Panel(
        title="Nodes",
        template="review/panels/nodes.html",
        facts=_nodes,
        permission="runs.view_node",
        order=50,
    )
)
