"""The step that asks a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from webgraph.asking import PARKED, Answer
from webgraph.errors import FailureKind
from webgraph.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webgraph.asking import Asking
    from webgraph.recorder import Question
    from webgraph.step_plan import Act

LONGEST_WAIT = timedelta(hours=24)


class Questions(Window):
    """What a stage may ask."""

    async def ask(
        self,
        prompt: str,
        *,
        schema: type[Answer],
        timeout: timedelta = LONGEST_WAIT,  # noqa: ASYNC109 - how long a person has, not this call
        key: str = "",
        hold: bool = False,
        on_timeout: FailureKind = FailureKind.TIMEOUT,
    ) -> Answer:
        """What a person answers to a question, in the type of its schema.

        The attempt ends here, and browser and slot are free, until somebody answers: then another attempt begins with
        this stage, after the checkpoint before it, so that what the stage did before it asked is done again. Asked
        first, the question costs nothing twice. With `hold` the browser stays as it is for up to five minutes, for a
        code that must be typed into the very page that wants it; that time is part of the attempt's deadline.

        Fields of the type SecretStr are kept encrypted until they were used, and drawn as dots. A question has the
        same `key` each time it is asked: the stage's name and its number in the stage, if left out. When nobody
        answers in time the run fails as `on_timeout` says.
        """
        asking = self._supervisor.asking
        assert asking is not None  # every attempt has one
        question = asking.question(prompt, schema, key=key, timeout=timeout, on_timeout=on_timeout, hold=hold)
        while True:
            answer = await self._answer(asking, question)
            if answer is None:
                self._supervisor.stop_reason = PARKED
                raise asking.park(question)
            judged = asking.judged(answer, schema)
            if not isinstance(judged, str):
                return judged
            question = replace(question, problem=judged)

    async def _answer(self, asking: Asking, question: Question) -> Mapping[str, Any] | None:
        async def act(it: Act) -> Mapping[str, Any] | None:
            return await asking.raw_answer(question, lambda: it.clock.left)

        return await self._act(
            "ask",
            f"Ask: {question.prompt}",
            act,
            timeout_seconds=question.timeout_seconds if question.hold else None,
            reads=True,
        )
