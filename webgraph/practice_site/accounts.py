"""Who may sign in, and which visits are signed in right now."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

DEMO_USERNAME = "demo@practice.example"
DEMO_PASSWORD = "practice-only"  # noqa: S105 - the documented password of a demo that holds no real data


@dataclass(slots=True)
class Accounts:
    """The site's one account, and its open visits by their id."""

    username: str = DEMO_USERNAME
    password: str = DEMO_PASSWORD
    sign_ins: int = 0
    failed_sign_ins: int = 0
    _visits: set[str] = field(default_factory=set)

    def sign_in(self, username: str, password: str) -> str | None:
        """The id of a new visit, or None where name and password do not fit."""
        name_fits = username.strip().casefold() == self.username.casefold()
        password_fits = hmac.compare_digest(password.encode(), self.password.encode())
        if not (name_fits and password_fits):
            self.failed_sign_ins += 1
            return None
        visit = secrets.token_urlsafe(16)
        self._visits.add(visit)
        self.sign_ins += 1
        return visit

    def is_open(self, visit: str) -> bool:
        """Whether this visit is signed in; a cookie from before a restart or a reset is not."""
        return visit in self._visits

    def end(self, visit: str) -> None:
        """Sign a visit out, whatever cookie its browser still holds."""
        self._visits.discard(visit)

    def reset(self) -> None:
        """Sign everybody out and count from zero."""
        self._visits.clear()
        self.sign_ins = self.failed_sign_ins = 0
