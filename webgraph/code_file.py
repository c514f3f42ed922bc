"""One-time codes without a server: which time steps are spent stands in one file that processes take in turns."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from typing import TYPE_CHECKING

from infra_shared.clock import utc_now
from webgraph.codes import Code, CodeSource, NoCodes, NotYet, next_code
from webgraph.errors import InputUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from infra_shared.totp import TotpSeed

_KEPT_STEPS = 20


class FileCodes(CodeSource):
    """Codes of seeds by the credential's name.

    The file names a seed by its hash alone, so that two credentials with the same seed share their steps.
    """

    def __init__(
        self, seeds: Mapping[str, TotpSeed], path: Path, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._seeds = seeds
        self._path = path
        self._now = now

    def take(self, credential: str) -> Code | NotYet:
        """An unspent code; its step is in the file before it is given out."""
        if credential not in self._seeds:
            return NoCodes().take(credential)
        seed = self._seeds[credential]
        return next_code(seed, now=self._now(), spend=lambda step: self._spend(seed, step))

    def _spend(self, seed: TotpSeed, step: int) -> bool:
        name = hashlib.sha256(f"{seed.secret} {seed.period_seconds}".encode()).hexdigest()[:32]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
                spent: dict[str, list[int]] = json.loads(file.read() or "{}")
                if step in spent.get(name, []):
                    return False
                spent[name] = [*spent.get(name, []), step][-_KEPT_STEPS:]
                file.seek(0)
                file.write(json.dumps(spent))
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        except (OSError, ValueError, AttributeError) as error:
            raise InputUnavailableError(
                f"{self._path}, which says what codes were used, cannot be read or written: {error}. Name another file."
            ) from error
        return True
