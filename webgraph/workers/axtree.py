"""The accessibility tier: role, name, landmark and place in the browser's own accessibility tree, or it abstains."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from infra_shared.clock import monotonic
from webgraph.fingerprint import compare, normal, normal_role
from webgraph.recorder import Tier
from webgraph.workers.accessibility import AccessibilityTrees
from webgraph.workers.base import Candidate, Insufficiency, Need, Resolution
from webgraph.workers.dom_actor import DomActor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webgraph.target import Target
    from webgraph.workers.accessibility import Node
    from webgraph.workers.base import Actor, Scope

# Reading a whole tree costs a tenth of a second; a page that is changing is given time in between.
_LOOK_AGAIN_SECONDS = 0.25
_SETTLE_SECONDS = 0.6
# How well the best of several must fit, and by how much better than the second, to be taken for the one.
_ENOUGH = 0.75
_MARGIN = 0.25
_ELSEWHERE = 0.35
_FIELDS = frozenset({"textbox", "combobox", "listbox", "checkbox", "radio", "slider"})
# A closed list has its own popup beside it, of its own role and without a name.
_WITHOUT_PARTS = frozenset({"textbox", "checkbox", "radio"})


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one reading of the trees gave."""

    candidates: tuple[Candidate, ...]
    node: Node | None = None
    reason: Insufficiency | None = None


class AxTreeWorker:
    """Finds what assistive technology would find, through frames and shadow roots.

    Role and name must fit as they are; where several things share them, the fingerprint of earlier successes or the
    target's own `ordinal` tells them apart, with a margin to the second best, or nobody does.
    """

    tier = Tier.AXTREE

    def can_try(self, target: Target) -> bool:
        """Whether the target has a role or a label."""
        return target.has_axtree

    async def resolve(self, target: Target, scope: Scope) -> Resolution:
        """The one thing that fits; waits for it up to the timeout."""
        started = monotonic()
        deadline = started + scope.timeout_seconds
        async with AccessibilityTrees.of(scope.page, target.frame) as trees:
            verdict = _judge(target, scope, await trees.read())
            while verdict.reason is not None and monotonic() + _LOOK_AGAIN_SECONDS < deadline:
                if verdict.reason not in {Insufficiency.NONE, Insufficiency.DISABLED}:
                    deadline = min(deadline, monotonic() + _SETTLE_SECONDS)
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                verdict = _judge(target, scope, await trees.read())
            actor: Actor | None = None
            reason = verdict.reason
            if verdict.node is not None:
                handle = await trees.element(verdict.node)
                actor = DomActor(handle, scope.page) if handle is not None else None
                reason = None if actor is not None else Insufficiency.NONE
        return Resolution(
            tier=self.tier,
            actor=actor,
            insufficient=reason,
            candidates=verdict.candidates,
            milliseconds=(monotonic() - started) * 1000,
        )

    async def matches(self, target: Target, scope: Scope) -> tuple[Candidate, ...]:
        """Everything in the trees that fits now."""
        with suppress(PlaywrightError):  # a page that is just being replaced shows nothing
            async with AccessibilityTrees.of(scope.page, target.frame) as trees:
                return tuple(_candidate(node, 1.0) for node in _fitting(target, await trees.read()))
        return ()


def _judge(target: Target, scope: Scope, nodes: Sequence[Node]) -> _Verdict:
    fitting = _fitting(target, nodes)
    known = scope.known
    if known is not None:
        scored = sorted(
            ((_likeness(known, node, fitting), node) for node in fitting), key=lambda pair: -pair[0]
        )
    else:
        scored = [(round(1 / len(fitting), 3), node) for node in fitting]
    candidates = tuple(_candidate(node, score) for score, node in scored)
    if not scored:
        return _Verdict((), reason=Insufficiency.NONE)
    if known is None:
        node, reason = _by_place(target, fitting)
    else:
        node, reason = _by_likeness(scored, more_than_before=len(scored) - 1 > int(known.get("namesakes", 0)))
    if node is not None and known is not None and _shares_its_label(node, nodes):
        return _Verdict(candidates, reason=Insufficiency.SEVERAL)
    if node is not None and scope.need is Need.ACT and not node.enabled:
        return _Verdict(candidates, reason=Insufficiency.DISABLED)
    return _Verdict(candidates, node, reason)


def _by_place(target: Target, fitting: Sequence[Node]) -> tuple[Node | None, Insufficiency | None]:
    if target.ordinal is not None:
        if len(fitting) < target.ordinal:
            return None, Insufficiency.NONE
        return fitting[target.ordinal - 1], None
    return (fitting[0], None) if len(fitting) == 1 else (None, Insufficiency.SEVERAL)


def _by_likeness(
    scored: Sequence[tuple[float, Node]], *, more_than_before: bool
) -> tuple[Node | None, Insufficiency | None]:
    best, node = scored[0]
    if best == 0.0:
        return None, Insufficiency.MISMATCH
    if len(scored) == 1:
        return node, None
    second = scored[1][0]
    # A newcomer at its very place looks more like it than it does itself, pushed aside: then none is clear.
    clear = best >= _ENOUGH and second <= (_ELSEWHERE if more_than_before else best - _MARGIN)
    return (node, None) if clear else (None, Insufficiency.SEVERAL)


def _shares_its_label(node: Node, nodes: Sequence[Node]) -> bool:
    """Whether a field of the same kind, without a name, stands right beside it: one label, and either may be meant."""
    if node.role not in _WITHOUT_PARTS:
        return False
    at = next(index for index, other in enumerate(nodes) if other is node)
    return any(not other.name and other.role == node.role for other in nodes[max(0, at - 1) : at + 2])


def _likeness(known: Any, node: Node, fitting: Sequence[Node]) -> float:
    """How much a node is like what was used before; 0 when it is somebody else."""
    seen = node.sight() | {
        "namesakes": len(fitting) - 1,
        "href_alone": bool(node.href) and sum(other.href == node.href for other in fitting) == 1,
    }
    # Role and name were asked for and fit; what remains to be compared is where it is and where it leads.
    likeness = compare({**known, "name": node.name, "role": node.role}, seen)
    return likeness.score if likeness.same or len(fitting) > 1 else 0.0


def _fitting(target: Target, nodes: Sequence[Node]) -> list[Node]:
    return [node for node in nodes if _fits(target, node)]


def _fits(target: Target, node: Node) -> bool:
    role = normal_role(node.role)
    if target.role is not None and role != normal_role(target.role):
        return False
    if target.label is not None and (role not in _FIELDS or normal(node.name) != normal(target.label)):
        return False
    if target.name is not None and normal(node.name) != normal(target.name):
        return False
    return target.landmark is None or any(
        normal(target.landmark) in {normal(part) for part in (place, *place.split(": ", 1))}
        for place in node.landmarks
    )


def _candidate(node: Node, score: float) -> Candidate:
    where = f" in {node.landmarks[-1]}" if node.landmarks else ""
    return Candidate(
        matched_by=f"role={node.role}",
        score=round(score, 3),
        summary=f"{node.role} “{node.name[:60]}”{where}",
        enabled=node.enabled,
    )
