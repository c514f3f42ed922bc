"""What the overview says about runs: what needs a person, what failed, what comes next, who works."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from automations.models import Schedule
from infra_shared.overview import Panel, register
from runs.admin import wording
from runs.admin.nodes import node_state
from runs.models import Node, Run, WorkerProcess
from runs.states import FAILED_RUNS, WAITING_RUNS, RunState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest

SHOWN = 8
MOST_COUNTED = 1_000
DAY = timedelta(hours=24)


def _first_id_of(moment: datetime) -> UUID:
    """The smallest time-ordered id of a moment, so that "since" reads the index of states."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _count(rows: QuerySet[Any]) -> str:
    """A count that never reads more than MOST_COUNTED rows."""
    found = rows.order_by()[:MOST_COUNTED].count()
    return f"{found}+" if found >= MOST_COUNTED else str(found)


def _link(states: Collection[str]) -> str:
    return f"{reverse('admin:runs_run_changelist')}?state__in={','.join(sorted(states))}"


def _numbers(_request: HttpRequest) -> dict[str, Any]:
    day = Run.objects.filter(pk__gte=_first_id_of(timezone.now() - DAY))
    runs = reverse("admin:runs_run_changelist")
    person = _count(Run.objects.filter(state=RunState.WAITING_INPUT))
    failed = _count(day.filter(state__in=sorted(FAILED_RUNS)))
    return {
        "numbers": [
            (
                "Need a person",
                person,
                f"{runs}?state__exact=waiting_input",
                "person" if person != "0" else "plain",
            ),
            ("Failed in 24 hours", failed, _link(FAILED_RUNS), "bad" if failed != "0" else "plain"),
            (
                "Succeeded in 24 hours",
                _count(day.filter(state=RunState.SUCCEEDED)),
                f"{runs}?state__exact=succeeded",
                "good",
            ),
            (
                "Running now",
                _count(Run.objects.filter(state=RunState.RUNNING)),
                f"{runs}?state__exact=running",
                "busy",
            ),
            (
                "Waiting",
                _count(Run.objects.filter(state__in=sorted(WAITING_RUNS))),
                _link(WAITING_RUNS),
                "plain",
            ),
        ]
    }


def _runs(rows: QuerySet[Run]) -> list[tuple[Run, str]]:
    shown = rows.select_related("automation", "customer").order_by("-id")[:SHOWN]
    return [(run, wording.failure_sentence(run)) for run in shown]


def _person(_request: HttpRequest) -> dict[str, Any]:
    rows = _runs(Run.objects.filter(state=RunState.WAITING_INPUT))
    return {"runs": rows, "more_url": _link([RunState.WAITING_INPUT]), "empty": "Nothing waits for you."}


def _failures(_request: HttpRequest) -> dict[str, Any]:
    return {
        "runs": _runs(Run.objects.failures()),
        "more_url": _link(FAILED_RUNS),
        "empty": "No run has failed.",
    }


def _fires(_request: HttpRequest) -> dict[str, Any]:
    rows = Schedule.objects.filter(next_fire_at__isnull=False, paused_at__isnull=True)
    return {
        "schedules": rows.select_related("automation").order_by("next_fire_at")[:SHOWN],
        "more_url": reverse("admin:automations_schedule_changelist"),
    }


def _nodes(_request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    nodes = Node.objects.filter(stopped_at__isnull=True).order_by("-heartbeat_at")[:SHOWN]
    hands = WorkerProcess.objects.fresh(now).values_list("node_id", "current_attempt_id")
    free: dict[Any, list[Any]] = {}
    for node_id, attempt_id in hands:
        free.setdefault(node_id, []).append(attempt_id)
    rows = [
        (
            node,
            node_state(node, now),
            len(free.get(node.pk, [])),
            sum(1 for item in free.get(node.pk, []) if item),
        )
        for node in nodes
    ]
    return {"nodes": rows, "more_url": reverse("admin:runs_node_changelist")}


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
        title="Last failures",
        template="review/panels/runs.html",
        facts=_failures,
        permission=_OF_RUNS,
        order=30,
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
