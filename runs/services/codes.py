"""Gives an attempt the one-time codes of its credentials, from the ledger all machines share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automations.services.one_time_codes import take_code
from infra_shared.ids import uuid7
from webgraph.codes import Code, CodeSource, NoCodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra_shared.redaction import Redactor
    from infra_shared.totp import TotpSeed
    from webgraph.codes import NotYet


class LedgerCodes(CodeSource):
    """Codes of the attempt's seeds, by the credential's name.

    `write` carries work out when the database is reachable; `redactor` learns each code before it is given out, so
    that no line of the log holds it.
    """

    def __init__(
        self,
        seeds: Mapping[str, TotpSeed],
        *,
        write: Callable[[Callable[[], Code | NotYet]], Code | NotYet],
        redactor: Redactor,
    ) -> None:
        self._seeds = seeds
        self._write = write
        self._redactor = redactor

    def take(self, credential: str) -> Code | NotYet:
        """An unspent code; its time step is in the ledger before it is given out."""
        seed = self._seeds.get(credential)
        if seed is None:
            return NoCodes().take(credential)
        taken_by = uuid7()
        answer = self._write(lambda: take_code(credential=credential, seed=seed, taken_by=taken_by))
        if isinstance(answer, Code):
            self._redactor.learn([answer.value])
        return answer
