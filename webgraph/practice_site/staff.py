"""The staff's own area: a sign-in with password and one-time code, strict about both."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyotp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

STAFF_USERNAME = "staff@practice.example"
STAFF_SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FAILURES_TO_LOCK = 5
_STEP_SECONDS = 30


@dataclass(slots=True)
class Staff:
    """One account. A code counts once, whoever used it; after FAILURES_TO_LOCK failures in a row nobody gets in."""

    password: str
    now: Callable[[], datetime]
    keeps: str = "nothing"
    """What its pages keep in the browser's IndexedDB: nothing, a record, a key that cannot be read, or a blob."""
    sign_ins: int = 0
    failed_sign_ins: int = 0
    reused_codes: int = 0
    failures_in_a_row: int = 0
    _latest_step: int = 0
    _visits: set[str] = field(default_factory=set)

    @property
    def is_locked(self) -> bool:
        """Whether even the right password and code are refused."""
        return self.failures_in_a_row >= FAILURES_TO_LOCK

    def sign_in(self, username: str, password: str, code: str) -> tuple[str, str]:
        """The id of a new visit, or else why there is none."""
        refusal = self._refusal(username, password, code)
        if refusal:
            self.failed_sign_ins += 1
            self.failures_in_a_row += 1
            return "", refusal
        visit = secrets.token_urlsafe(16)
        self._visits.add(visit)
        self.sign_ins += 1
        self.failures_in_a_row = 0
        return visit, ""

    def is_open(self, visit: str) -> bool:
        """Whether this visit is signed in."""
        return visit in self._visits

    def end_visits(self) -> None:
        """Sign everybody out, whatever cookies their browsers still hold."""
        self._visits.clear()

    def reset(self) -> None:
        """As freshly started."""
        self._visits.clear()
        self._latest_step = 0
        self.keeps = "nothing"
        self.sign_ins = self.failed_sign_ins = self.reused_codes = self.failures_in_a_row = 0

    def _refusal(self, username: str, password: str, code: str) -> str:
        if self.is_locked:
            return "This account is locked after too many failed sign-ins."
        name_fits = username.strip().casefold() == STAFF_USERNAME
        if not (name_fits and hmac.compare_digest(password.encode(), self.password.encode())):
            return "Wrong e-mail address or password."
        step = self._step_of(code)
        if step is None:
            return "Wrong code."
        if step <= self._latest_step:
            self.reused_codes += 1
            return "This code was used already."
        self._latest_step = step
        return ""

    def _step_of(self, code: str) -> int | None:
        """The time step a code belongs to: this one, or the one before for who types slowly."""
        present = int(self.now().timestamp()) // _STEP_SECONDS
        totp = pyotp.TOTP(STAFF_SEED)
        fits = (
            step
            for step in (present, present - 1)
            if hmac.compare_digest(totp.generate_otp(step), code.strip())
        )
        return next(fits, None)
