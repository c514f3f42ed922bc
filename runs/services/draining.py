"""Letting a node leave: asked for by an operator, and what becomes of work it had to drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from infra_shared.database import database_now
from infra_shared.services import audit
from runs.errors import WrongStateError
from runs.models import Attempt, Node
from runs.services.outcomes import hand_back
from runs.states import AttemptState

if TYPE_CHECKING:
    from uuid import UUID


@transaction.atomic
def ask_to_drain(*, node: Node, actor: str, reason: str = "") -> bool:
    """Have a node leave: from now on it is given no work, and with its last attempt it ends by itself.

    False when it was leaving already; WrongStateError when it has ended.
    """
    locked = Node.objects.select_for_update().get(pk=node.pk)
    if locked.stopped_at is not None:
        raise WrongStateError(f"The node {locked.name} has already ended.")
    if locked.draining_since is not None:
        return False
    Node.objects.filter(pk=locked.pk).update(draining_since=database_now(), drain_asked_by=actor)
    audit.record(actor=actor, action="node.drain", object_kind="node", object_id=locked.name, reason=reason)
    return True


def is_asked_to_drain(*, node_id: UUID) -> bool:
    """Whether somebody asked this node to leave."""
    return Node.objects.filter(pk=node_id).exclude(drain_asked_by="").exists()


def hand_back_attempts(*, node_id: UUID) -> int:
    """Give back to the queue what a node's processes had in hand when they were killed on purpose; returns how many.

    Call it when they are dead.
    """
    held = Attempt.objects.filter(worker__node_id=node_id, state=AttemptState.RUNNING)
    name = Node.objects.filter(pk=node_id).values_list("name", flat=True).first()
    return sum(hand_back(attempt=attempt, actor=f"node:{name}") for attempt in held)
