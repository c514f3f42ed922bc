"""The session of a document, as automations declare it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from webgraph.session import Probe, SignedInSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from webgraph.documents.schema import Session
    from webgraph.session import Said
    from webgraph.target import Target


def as_written(text: str) -> Said:
    """A text as it stands in the document, its variables not filled in."""
    return text


def declared_session(
    session: Session, target: Target, filled: Callable[[str], Said] = as_written
) -> SignedInSession:
    """What a document says of its session; `filled` makes a function of the params where a text has variables."""
    return SignedInSession(
        site=filled(session.site),
        login=session.login,
        credential=session.credential,
        account=filled(session.account),
        probe=Probe(
            url=filled(session.probe.url),
            target=target,
            within=timedelta(seconds=session.probe.within_seconds),
        ),
        max_age=timedelta(seconds=session.max_age_seconds),
        max_failed_logins=session.max_failed_logins,
    )
