"""How an automation says that it works signed in: which session it shares, how to sign in, how to see that one is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from webgraph.recorder import Effect

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from webgraph.target import Target

Said = str | Callable[[Any], str]
"""A text, or a function of the params that makes one."""


class Provenance(StrEnum):
    """How an attempt came to be signed in."""

    FRESH = "fresh"
    """It signed in, and nobody had before."""
    CACHED = "cached"
    """It went on with a kept session."""
    REFRESHED = "refreshed"
    """It signed in, because the kept session was too old or not valid any more."""
    DEGRADED = "degraded"
    """It signed in for itself alone: its session could not be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUse:
    """How an attempt came to be signed in, and why where that needs saying."""

    provenance: Provenance
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How to see that one is signed in: a page that only a signed-in visitor is shown, and something on it.

    After the stage that signs in, or in its place, the browser stands on this page. `within` is how long the page may
    build itself.
    """

    url: Said
    target: Target
    within: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInSession:
    """The session of an account at a site, shared by all runs of a customer that declare the same one.

    `login` names the stage that signs in, which is left out where a kept session is valid. `credential` is the one it
    signs in with: whoever may not use it does not get the session either. `account` tells several accounts of one
    credential, or accounts without one, apart. The names are stored and shown: no secret belongs in them.
    """

    site: Said
    login: str
    probe: Probe
    credential: str = ""
    account: Said = ""
    max_age: timedelta = timedelta(hours=8)
    """After this long it is not trusted any more, whatever the probe says."""
    max_failed_logins: int | None = None
    """After how many failed logins in a row no other one is tried for a while; None for the installation's number."""

    def site_for(self, params: Any) -> str:
        """The site of a run with these params."""
        return said(self.site, params)

    def account_for(self, params: Any) -> str:
        """The account of a run with these params: the credential's name, and what is said beside it."""
        account = said(self.account, params)
        return f"{self.credential}:{account}" if account else self.credential

    def identity(self, secrets: Mapping[str, Mapping[str, str]]) -> str:
        """A mark of what is signed in with: a session of a credential that was changed since is none."""
        fields = dict(secrets.get(self.credential, {}))
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

    def problems(self, stages: Mapping[str, Effect | None], credentials: Collection[str]) -> Iterator[str]:
        """What keeps an automation with these stages, in their order, and credentials from using it, as sentences."""
        if self.login not in stages:
            yield f"Its session signs in by the stage {self.login!r}, which it does not have."
        elif stages[self.login] is Effect.COMMIT:
            yield f"Its session signs in by {self.login!r}, which commits; say idempotent: it may be left out."
        elif self.login == list(stages)[-1]:
            yield f"Its session signs in by {self.login!r}, its last stage: there is nothing to be signed in for."
        if self.credential and self.credential not in credentials:
            yield f"Its session uses the credential {self.credential!r}, which `credentials` does not list."
        if not self.credential and not self.account:
            yield "Its session belongs to no account: name a credential or an account."
        if self.max_failed_logins is not None and self.max_failed_logins < 1:
            yield "Its session allows no login: max_failed_logins must be at least 1."


def said(text: Said, params: Any) -> str:
    """The text, made of the params where it is a function of them."""
    return text(params) if callable(text) else text
