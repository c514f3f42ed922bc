"""Questions to a person: answered from before, by holding the browser, or by ending the attempt until somebody answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from webgraph.errors import AttemptStopped, AutomationBugError, UnansweredError
from webgraph.recorder import Effect, Question
from webgraph.secret_values import secrets_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from webgraph.errors import FailureKind
    from webgraph.evidence.scrub import Scrub
    from webgraph.journal import Journal

Answer = TypeVar("Answer", bound=BaseModel)
LONGEST_HOLD_SECONDS = 300.0
PARKED = "parked"
_LOOK_AGAIN_SECONDS = 0.5


class Asking:
    """The questions of one attempt. `open` is the one it ends with, None while there is none."""

    def __init__(self, answers: Mapping[str, Mapping[str, Any]], journal: Journal, scrub: Scrub) -> None:
        self._answers = dict(answers)
        self._journal = journal
        self._scrub = scrub
        self._stage = ""
        self._effect = Effect.READ
        self._number = 0
        self.open: Question | None = None

    def begin_stage(self, name: str, effect: Effect) -> None:
        """From now on a stage asks; its questions are counted from one, so that they have the same keys each time."""
        self._stage, self._effect, self._number = name, effect, 0

    def question(
        self,
        prompt: str,
        schema: type[BaseModel],
        *,
        key: str,
        timeout: timedelta,
        on_timeout: FailureKind,
        hold: bool,
    ) -> Question:
        """The question as it is kept. Raises AutomationBugError where the attempt could not begin again after it."""
        if self._effect is Effect.COMMIT and not hold:
            raise AutomationBugError(
                f"The stage {self._stage!r} commits and cannot end to ask: ask in a stage before it, or with hold=True."
            )
        self._number += 1
        seconds = timeout.total_seconds()
        return Question(
            key=key or f"{self._stage}-{self._number}",
            stage=self._stage,
            prompt=self._scrub.text(prompt),
            schema=schema.model_json_schema(),
            timeout_seconds=min(seconds, LONGEST_HOLD_SECONDS) if hold else seconds,
            on_timeout=on_timeout,
            hold=hold,
        )

    async def raw_answer(
        self, question: Question, seconds_left: Callable[[], float]
    ) -> Mapping[str, Any] | None:
        """What was answered; None when the attempt has to end first."""
        known = self._answers.pop(question.key, None)
        if known is not None or not question.hold:
            return known
        while True:
            answer = await self._journal.asked(question)
            if answer is not None:
                return answer
            if seconds_left() <= _LOOK_AGAIN_SECONDS:
                raise UnansweredError(question.prompt, question.timeout_seconds, question.on_timeout)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def judged(self, raw: Mapping[str, Any], schema: type[Answer]) -> Answer | str:
        """The answer in its type, its secrets known from now on; or in words why it does not fit."""
        try:
            answer = schema.model_validate(dict(raw))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return f"{'.'.join(map(str, first['loc'])) or 'The answer'}: {first['msg']}"
        self._scrub.learn(secrets_in(answer))
        return answer

    def park(self, question: Question) -> AttemptStopped:
        """The order that ends the attempt with this question."""
        self.open = question
        return AttemptStopped(PARKED, f"It waits for an answer: {question.prompt}")
