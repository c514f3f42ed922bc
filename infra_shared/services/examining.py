"""Looking at what must hold, one check after the other, each in bounded time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections

from infra_shared import clock
from infra_shared.bounded import TookTooLongError, call_within
from infra_shared.checkup import Finding, Level, bad, odd
from infra_shared.redaction import Redactor
from infra_shared.scrubbing import scrub_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra_shared.checkup import Check

_LONGEST_WORDS = 400


@dataclass(frozen=True, slots=True)
class Examined:
    """What one check found, and how long it took."""

    name: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether something does not work."""
        return any(finding.level is Level.FAIL for finding in self.findings)


def examine(chosen: Iterable[Check]) -> Iterator[Examined]:
    """Look at these in turn; nothing one of them does keeps the others from being looked at.

    Every finding is one line without any secret of the settings.
    """
    redactor = Redactor(_secrets())
    failed: set[str] = set()
    for check in chosen:
        began = clock.monotonic()
        missing = sorted(failed.intersection(check.after))
        findings = _left_out(missing) if missing else _looked(check)
        lines = tuple(_told(finding, redactor) for finding in findings)
        examined = Examined(check.name, lines, round(clock.monotonic() - began, 2))
        if examined.failed or missing:
            failed.add(check.name)
        yield examined


def _left_out(missing: list[str]) -> tuple[Finding, ...]:
    return (odd(f"Not looked at: first mend {' and '.join(missing)}.", "Then run doctor again."),)


def _looked(check: Check) -> tuple[Finding, ...]:
    try:
        return call_within(check.seconds, partial(_look, check))
    except TookTooLongError:
        return (bad(f"It did not end within {check.seconds:g} seconds.", check.advice),)
    except Exception as error:  # noqa: BLE001 - whatever broke here is told, and the others are still looked at
        return (bad(f"{type(error).__name__}: {error}", check.advice),)


def _look(check: Check) -> tuple[Finding, ...]:
    try:
        return tuple(check.look())
    finally:
        connections.close_all()  # those of this thread, which ends here


def _told(finding: Finding, redactor: Redactor) -> Finding:
    words = " ".join(scrub_text(redactor.text(finding.words)).split())
    if len(words) > _LONGEST_WORDS:
        words = f"{words[:_LONGEST_WORDS]}…"
    return Finding(finding.level, words, finding.advice)


def _secrets() -> Iterator[str]:
    """What must not be printed, though an error of a library may well say it."""
    yield from filter(None, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    yield from settings.FIELD_ENCRYPTION_KEYS
    yield from filter(None, (settings.EMAIL_HOST_PASSWORD, settings.DATABASES["default"].get("PASSWORD")))
    options = settings.STORAGES["artifacts"].get("OPTIONS", {})
    yield from filter(None, (options.get("access_key"), options.get("secret_key")))
    yield from (key.secret.hex() for key in (*settings.EDGE_KEYS, *settings.EDGE_CONTROL_KEYS))
