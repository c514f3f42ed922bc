"""One-time codes: who gives them out is said by whoever starts an attempt, and no code is given out twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from webgraph.errors import AuthError, AutomationBugError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from infra_shared.totp import TotpSeed
    from webgraph.journal import Journal

MARGIN_SECONDS = 3.0
"""A code that expires sooner than this is not given out: it has to be typed, sent and judged yet."""
LONGEST_WAIT_SECONDS = 90.0
"""How long a step waits for an unspent code: three of the usual time steps."""
_LATER_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code for one use; it counts as used from now on."""

    value: str = field(repr=False)
    valid_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """There is no unspent code now; after `seconds` it is worth asking again."""

    seconds: float


class CodeSource(Protocol):
    """Gives out the codes of credentials."""

    def take(self, credential: str) -> Code | NotYet:
        """An unspent code, which is spent from now on whatever becomes of it; NotYet while there is none.

        Called from the thread that called `webgraph.runner.run_attempt`, like a recorder. Raises a WebGraphError for
        a credential that makes no codes.
        """


class NoCodes:
    """The source of an attempt that was given none."""

    def take(self, credential: str) -> Code | NotYet:
        """Say what is missing."""
        raise AuthError(f"The credential {credential!r} has no one-time codes: set its field `totp_seed`.")


def next_code(seed: TotpSeed, *, now: datetime, spend: Callable[[int], bool]) -> Code | NotYet:
    """The code of the present time step, if `spend` takes the step, which it does once; else when the next one begins."""
    left = seed.seconds_left(now)
    if left < MARGIN_SECONDS:
        return NotYet(seconds=left)
    step = seed.step_at(now)
    return Code(value=seed.code(step), valid_seconds=left) if spend(step) else NotYet(seconds=left)


class Codes:
    """The one-time codes of one attempt, asked for from the browser's loop."""

    def __init__(
        self,
        source: CodeSource,
        *,
        declared: Collection[str],
        journal: Journal,
        learn: Callable[[str, str], None],
    ) -> None:
        """`learn` is told the credential and each of its codes before anybody else."""
        self._source = source
        self._declared = declared
        self._journal = journal
        self._learn = learn

    def check(self, credential: str) -> None:
        """Raise AutomationBugError for a credential the automation does not declare."""
        if credential not in self._declared:
            raise AutomationBugError(f"`credentials` does not declare {credential!r}, whose code is wanted.")

    async def take(self, credential: str, *, wait_seconds: float) -> str:
        """An unspent code, known as a secret from now on; StepTimeoutError when none is free in time."""
        left = wait_seconds
        while True:
            answer = await self._journal.call(self._source.take, credential)
            if isinstance(answer, Code):
                self._learn(credential, answer.value)
                return answer.value
            if answer.seconds > left:
                raise StepTimeoutError(
                    f"The one-time code of {credential!r} is used up, and the next one comes too late for this step, "
                    f"which may wait {wait_seconds:.0f} s: other runs use the same codes. Let fewer run at once."
                )
            left -= answer.seconds
            await asyncio.sleep(answer.seconds + _LATER_SECONDS)


def code_taken(credential: str, *, waited_seconds: float) -> dict[str, Any]:
    """That a code was given out and how long it was waited for, as kept with a step's decisions."""
    reason = f"waited {waited_seconds:.0f} s for one that was not used yet" if waited_seconds >= 1 else ""
    return {"code": credential, "found": True, "reason": reason}
