"""Finds a target tier by tier: one way, one representation at a time, each decision kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra_shared.clock import monotonic
from webgraph.errors import TargetAmbiguousError, TargetNotFoundError
from webgraph.workers.base import Insufficiency, Need, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from webgraph.budget import Budget
    from webgraph.recorder import Heal, Tier
    from webgraph.surface import Surface
    from webgraph.target import Target
    from webgraph.workers.base import Actor, Candidate, Worker

_SAYS_LITTLE = frozenset({Insufficiency.NONE, Insufficiency.UNAVAILABLE})
# A tier that is not the last one may wait for this share of the time that is left, so that the next one has time too.
_SHARE = 0.5
_LONGEST_SHARE_SECONDS = 4.0

_REASONS = {
    Insufficiency.NONE: "was not found",
    Insufficiency.SEVERAL: "fits several things",
    Insufficiency.HIDDEN: "is there but hidden",
    Insufficiency.DISABLED: "is there but disabled",
    Insufficiency.MISMATCH: "leads to another control than the one used before",
    Insufficiency.UNSURE: "is not seen surely enough",
    Insufficiency.BUDGET: "was not found, and what the attempt may spend on sight is spent",
    Insufficiency.UNAVAILABLE: "can be found by sight alone, and sight is not available",
}


class Finder:
    """Asks the tiers in order for one step; what was decided stays readable in `decisions`."""

    def __init__(
        self,
        workers: Sequence[Worker],
        budget: Budget,
        known: Mapping[str, Any] | None = None,
        rewritten: Callable[[Target], Target] | None = None,
    ) -> None:
        """`rewritten` gives what is looked for in place of a target, where somebody decided that."""
        self._workers = workers
        self._budget = budget
        self._known = known
        self._rewritten = rewritten or _as_it_is
        self.as_written = True
        self.heal: Heal | None = None
        self.seen: Mapping[str, Any] | None = None
        self.changed: bool | None = None
        self.decisions: list[dict[str, Any]] = []
        self.tier: Tier | None = None
        self.actor: Actor | None = None

    async def find(self, target: Target, surface: Surface, need: Need, timeout_seconds: float) -> Actor:
        """The actor for the one thing the target describes.

        Raises TargetAmbiguousError when a tier saw several and none could tell them apart, else TargetNotFoundError.
        """
        deadline = monotonic() + timeout_seconds
        wanted = self._rewritten(target)
        is_overridden = wanted is not target
        target = _completed(wanted, self._known)
        able = [worker for worker in self._workers if worker.can_try(target)]
        reason: Insufficiency | None = None
        for worker in able:
            left = max(0.0, deadline - monotonic())
            share = left if worker is able[-1] else min(left * _SHARE, _LONGEST_SHARE_SECONDS)
            scope = Scope(
                page=surface.page,
                need=need,
                timeout_seconds=share,
                session=surface.session,
                surface=surface,
                known=self._known,
            )
            resolution = await worker.resolve(target, scope)
            self.decisions.append(resolution.as_decision())
            if is_overridden:  # the record shows that something else was looked for than is written
                self.decisions[-1]["override"] = wanted.as_json()
            if resolution.actor is not None:
                self.tier = worker.tier
                self.seen = resolution.seen
                self.as_written = worker is able[0] and resolution.as_written
                self.actor = resolution.actor
                return resolution.actor
            # What the first tiers saw says more than that a later one saw nothing, or could not look.
            if reason is None or resolution.insufficient not in _SAYS_LITTLE:
                reason = resolution.insufficient or reason
        raise self._failure(target, reason, [worker.tier for worker in able])

    async def matches(self, target: Target, surface: Surface) -> tuple[Candidate, ...]:
        """What is visible now and fits, on the first tier that can read the target.

        Raises TargetNotFoundError when no tier can look: not seen would be taken for gone.
        """
        target = self._rewritten(target)
        for worker in self._workers:
            if worker.can_try(target):
                scope = Scope(
                    page=surface.page,
                    need=Need.SEE,
                    timeout_seconds=0,
                    session=surface.session,
                    surface=surface,
                )
                self.tier = worker.tier
                return await worker.matches(target, scope)
        raise self._failure(target, None, [])

    @staticmethod
    def _failure(
        target: Target, reason: Insufficiency | None, asked: list[Tier]
    ) -> TargetNotFoundError | TargetAmbiguousError:
        if reason is None:
            msg = f"{target} cannot be looked for: no available tier reads what it is described by."
            return TargetNotFoundError(msg)
        tiers = " and ".join(tier.value for tier in asked)
        msg = f"{target} {_REASONS[reason]} (asked: {tiers})."
        kind = TargetAmbiguousError if reason is Insufficiency.SEVERAL else TargetNotFoundError
        return kind(msg)


def _as_it_is(target: Target) -> Target:
    return target


def _completed(target: Target, known: Mapping[str, Any] | None) -> Target:
    """The target with the role and name it had when it was last used, where its author wrote none."""
    if not known or target.has_axtree or not (known.get("role") and known.get("name")):
        return target
    return target.model_copy(update={"role": known["role"], "name": known["name"]})
