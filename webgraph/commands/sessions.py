"""Signed-in sessions without a server: kept in a folder, encrypted, and signed in to by one process at a time."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from infra_shared.clock import monotonic, sleep
from infra_shared.sessions.file_cache import FileSessionCache
from infra_shared.sessions.protocol import SessionCacheError
from infra_shared.sessions.rules import NEVER, Busy, Guard, SessionKey
from webgraph.commands.loading import UsageError, say, variable
from webgraph.session_desk import FAILED_LOGINS, CacheDesk

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from webgraph.flow import Automation
    from webgraph.outcome import AttemptResult

CUSTOMER = "local"
_LEASE = timedelta(seconds=30)
_LOOK_AGAIN_SECONDS = 0.25


def add_to(parser: argparse.ArgumentParser) -> None:
    """Where sessions are kept, and with which key."""
    parser.add_argument(
        "--sessions",
        type=Path,
        metavar="FOLDER",
        help="keep the automation's signed-in session there, encrypted, and go on with it while it is valid",
    )
    parser.add_argument(
        "--sessions-key",
        metavar="VARIABLE",
        help="the environment variable with the Fernet key of that folder; without it, one is made in the folder",
    )


def desk(
    given: argparse.Namespace, automation: type[Automation], params: Mapping[str, Any]
) -> CacheDesk | None:
    """The desk of the session the automation declares; None where it declares none, or none is to be kept."""
    declared = automation.session
    if given.sessions is None or declared is None:
        return None
    typed = automation.Params.model_validate(params)
    try:
        key = variable(given.sessions_key, asked_by="--sessions-key") if given.sessions_key else ""
        cache = FileSessionCache(given.sessions, key=key)
    except SessionCacheError as error:
        msg = f"--sessions: {error}"
        raise UsageError(msg) from error
    guard = Guard()
    return CacheDesk(
        cache,
        SessionKey(CUSTOMER, declared.site_for(typed), declared.account_for(typed)),
        holder=f"process {os.getpid()} {uuid4()}",
        lease=_LEASE,
        max_age=declared.max_age,
        guard=Guard(declared.max_failed_logins or guard.most_failures, guard.lockout),
    )


def wait_for_turn(desk: CacheDesk, *, up_to: timedelta) -> None:
    """Return when nobody else signs in, or when that took too long: then the attempt itself says so."""
    until = monotonic() + up_to.total_seconds()
    told = False
    while isinstance(desk.ask(NEVER), Busy) and monotonic() < until:
        if not told:
            say("Another process signs in; its session is waited for.")
            told = True
        sleep(_LOOK_AGAIN_SECONDS)


def close(desk: CacheDesk, login: str, result: AttemptResult) -> None:
    """End a login that came to nothing, and say how the attempt came to be signed in."""
    failure = result.failure
    is_failed_login = failure is not None and failure.stage == login and failure.kind in FAILED_LOGINS
    desk.give_up(failure.message if failure is not None and is_failed_login else "")
    if desk.use is not None:
        say(f"session: {desk.use.provenance}{f' ({desk.use.note})' if desk.use.note else ''}")
