"""What the browsers of the nodes cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q, Sum

from infra_shared.figures import Family, Group, register
from runs.models import Node
from runs.services.nodes import node_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

_AT_WORK = ("alive", "draining")

RUNNING = Family(
    name="automation_browsers",
    words="Browsers that run on nodes that are alive or draining; shared ones count once.",
)
MEMORY = Family(
    name="automation_browsers_memory_bytes",
    words="What they take in memory with all their processes, pages that are shared counted by share; every 30 seconds.",
)
STARTED = Family(
    name="automation_browsers_started",
    words=(
        "Browsers that were started since their nodes were, on the nodes that are at work now. It falls when a node "
        "leaves: look at how it differs over minutes. A browser is replaced after a while on purpose; many within "
        "minutes are crashes."
    ),
)
CONTEXTS = Family(
    name="automation_browser_contexts",
    words="Contexts that are open in them, at most one for each attempt at work, as worker processes last told.",
)


def read_browsers(now: datetime) -> Iterator[Figure]:
    """What the rows of nodes and of their fresh processes say."""
    heard = Q(processes__lease_expires_at__gte=now)
    rows = Node.objects.order_by().defer("versions", "queues")
    told = rows.annotate(contexts=Sum("processes__browser_contexts", filter=heard, default=0))
    at_work = [node for node in told if node_state(node, now) in _AT_WORK]
    yield RUNNING.of(sum(node.browsers for node in at_work))
    yield MEMORY.of(sum(node.browser_memory_bytes for node in at_work))
    yield STARTED.of(sum(node.browsers_started for node in at_work))
    yield CONTEXTS.of(sum(node.contexts for node in at_work))


register(Group(title="Browsers", families=(RUNNING, MEMORY, STARTED, CONTEXTS), read=read_browsers))
