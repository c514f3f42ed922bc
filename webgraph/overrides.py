"""What is looked for in place of targets that are written: decided outside of the automation's own source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webgraph.fingerprint import key_of
from webgraph.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping


class Overrides:
    """The targets of one attempt that are replaced, by the key of the one that is written."""

    def __init__(self, automation: str, given: Mapping[str, Mapping[str, Any]] | None) -> None:
        self._automation = automation
        self._given = {key: Target.model_validate(target) for key, target in (given or {}).items()}

    def applied(self, stage: str, target: Target) -> Target:
        """What is looked for when a stage names this target; the target itself where nobody decided otherwise."""
        if not self._given:
            return target
        new = self._given.get(key_of(self._automation, stage, target))
        return target if new is None else new.model_copy(update={"called": target.called})
