"""Asks the providers of one attempt, in their order, and remembers what the last picture showed."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from webgraph.vision.process import ProviderProcess
from webgraph.vision.sighting import Findings, TokensSpentError, VisionError, checked

if TYPE_CHECKING:
    from webgraph.vision.settings import VisionSettings
    from webgraph.vision.sighting import Picture, Wanted

_log = logging.getLogger(__name__)
_INSTALL = "install what requirements-vision.txt lists"


class Eyes:
    """The providers of one attempt. Each is started when it is first needed and ended by `close` at the latest."""

    def __init__(self, settings: VisionSettings) -> None:
        self._settings = settings
        self._processes: dict[str, ProviderProcess] = {}
        self._missing: dict[str, str] = {}
        self._last: tuple[Any, Findings] | None = None

    @property
    def processes(self) -> list[int]:
        """The processes that are running now."""
        return [item.pid for item in self._processes.values() if item.pid is not None]

    async def look(self, picture: Picture, wanted: Wanted, *, may_spend: bool = True) -> Findings:
        """What the first able provider sees; the same picture is read once.

        Raises TokensSpentError where only a model could answer and `may_spend` is False, else VisionError.
        """
        while (provider := self._provider(wanted)) is not None:
            key = (hashlib.sha256(picture.body).digest(), provider, None if _reads(provider) else wanted)
            if self._last is not None and self._last[0] == key:
                return self._last[1]
            if not (may_spend or _reads(provider)):
                raise TokensSpentError("the model tokens are spent")
            try:
                found = await self._ask(provider, picture, wanted)
            except VisionError as error:
                if not error.missing:
                    raise
                self._missing[provider] = str(error)
                _say_once(f"The vision tier cannot use {provider}: {error}.")
            else:
                self._last = (key, Findings(found.provider, found.sightings, found.reads))
                return found
        raise VisionError(self._why_none(), missing=True)

    async def close(self) -> None:
        """End every provider's process."""
        for process in self._processes.values():
            await process.close()

    async def _ask(self, provider: str, picture: Picture, wanted: Wanted) -> Findings:
        settings = self._settings
        if provider == "gemini" and not settings.gemini_api_key:
            raise VisionError("there is no key; set GEMINI_API_KEY", missing=True)
        if provider not in self._processes:
            self._processes[provider] = ProviderProcess(
                provider, settings.order(provider), idle_seconds=settings.idle_seconds
            )
        answer = await self._processes[provider].ask(
            asdict(wanted), picture.body, timeout_seconds=settings.answer_seconds
        )
        if isinstance(answer, dict) and answer.get("missing"):
            raise VisionError(f"{answer['error']}; {_INSTALL}", missing=True)
        if isinstance(answer, dict) and "error" in answer:
            raise VisionError(
                answer["error"],
                retry_after_seconds=answer.get("retry_after_seconds"),
                tokens=int(answer.get("tokens", 0)),
            )
        return checked(answer, picture, provider=provider, reads=_reads(provider))

    def _provider(self, wanted: Wanted) -> str | None:
        """The first provider that is there and can look for this: a reader knows texts, not what a thing is like."""
        for provider in self._settings.providers:
            able = not _reads(provider) or bool(wanted.text or not wanted.description)
            if able and provider not in self._missing:
                return provider
        return None

    def _why_none(self) -> str:
        if self._missing:
            return "; ".join(f"{provider}: {why}" for provider, why in self._missing.items())
        return "no provider that is set up can look for this"


def _reads(provider: str) -> bool:
    return provider == "ocr"


@cache
def _say_once(sentence: str) -> None:
    """One line in the log of a process, however many steps meet the same."""
    _log.warning(sentence)
