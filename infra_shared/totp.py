"""One-time codes of a seed (RFC 6238): what an authenticator app shows, without the app.

Whether a code was used before is not known here: whoever hands codes out keeps a ledger of the time steps it spent.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyotp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SEED = "totp_seed"
FIELDS = (SEED, "digits", "period", "algorithm")
"""The fields of a credential that make its codes; all but the first may be missing."""
_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
_DIGITS = range(6, 9)
_PERIODS = range(15, 301)
_SHORTEST_SEED_BYTES = 10


class SeedError(ValueError):
    """A seed, or what is said beside it, makes no codes; the message says what is wrong and holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpSeed:
    """What codes are made of. Time steps are counted as the RFC does: Unix time divided by the period."""

    secret: str = field(repr=False)
    """In base32, upper case, without spaces."""
    digits: int = 6
    period_seconds: int = 30
    algorithm: str = "sha1"

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> TotpSeed:
        """The seed in a credential's fields; SeedError says what does not fit.

        `totp_seed` is the base32 text that sites show beside the square code, spaces allowed, or the whole
        `otpauth://totp/…` address inside that code, which says digits, period and algorithm itself.
        """
        given = fields[SEED].strip()
        if given.lower().startswith("otpauth:"):
            seed = _of_address(given)
        else:
            seed = cls(
                secret=given.replace(" ", "").replace("-", "").rstrip("=").upper(),
                digits=_whole(fields, "digits", 6),
                period_seconds=_whole(fields, "period", 30),
                algorithm=(fields.get("algorithm") or "sha1").lower().replace("-", ""),
            )
        seed._check()
        return seed

    def step_at(self, now: datetime) -> int:
        """The number of the time step."""
        return math.floor(now.timestamp() / self.period_seconds)

    def seconds_left(self, now: datetime) -> float:
        """How long the time step goes on."""
        return self.period_seconds - now.timestamp() % self.period_seconds

    def code(self, step: int) -> str:
        """The code of a time step."""
        return self._totp().generate_otp(step)

    def _check(self) -> None:
        if self.digits not in _DIGITS:
            raise SeedError("`digits` must be 6, 7 or 8.")
        if self.period_seconds not in _PERIODS:
            raise SeedError(f"`period` must be {_PERIODS.start} to {_PERIODS.stop - 1} seconds.")
        if self.algorithm not in _ALGORITHMS:
            raise SeedError(f"`algorithm` must be one of {', '.join(_ALGORITHMS)}.")
        try:
            length = len(self._totp().byte_secret())
        except ValueError:  # binascii.Error among them
            raise SeedError(
                f"`{SEED}` must be the base32 text (letters and the digits 2 to 7) that the site shows beside its square code, or the "
                "whole otpauth:// address inside it."
            ) from None
        if length < _SHORTEST_SEED_BYTES:
            raise SeedError(f"`{SEED}` is too short: a seed has at least 16 characters.")

    def _totp(self) -> pyotp.TOTP:
        digest = _ALGORITHMS[self.algorithm]
        return pyotp.TOTP(self.secret, digits=self.digits, digest=digest, interval=self.period_seconds)


def without_seeds(
    secrets: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, dict[str, str]], dict[str, TotpSeed]]:
    """Credentials by name, what makes codes taken out of their fields; and the seeds by the same names.

    An automation is given codes, never what makes them. SeedError names the credential that makes none.
    """
    seeds: dict[str, TotpSeed] = {}
    rest: dict[str, dict[str, str]] = {}
    for name, fields in secrets.items():
        rest[name] = dict(fields)
        if SEED in fields:
            try:
                seeds[name] = TotpSeed.of(fields)
            except SeedError as error:
                raise SeedError(f"The credential {name!r}: {error}") from None
            rest[name] = {key: value for key, value in fields.items() if key not in FIELDS}
    return rest, seeds


def _of_address(address: str) -> TotpSeed:
    try:
        read = pyotp.parse_uri(address)
    except ValueError:  # whose own words may quote the address
        raise SeedError(f"`{SEED}` is no otpauth:// address as sites give them out.") from None
    if type(read) is not pyotp.TOTP:  # codes by counter, and the ones of a games shop with letters
        raise SeedError(f"`{SEED}` is an otpauth:// address of another kind of codes than time-based ones.")
    algorithm = read.digest().name
    return TotpSeed(
        secret=read.secret.upper(),
        digits=read.digits,
        period_seconds=read.interval,
        algorithm=algorithm,
    )


def _whole(fields: Mapping[str, str], name: str, default: int) -> int:
    text = fields.get(name) or str(default)
    try:
        return int(text)
    except ValueError:
        raise SeedError(f"`{name}` must be a whole number.") from None
