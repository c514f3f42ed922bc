"""Whether batches of the edge can be verified, and the edge answers to this server's orders."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings

from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.clock import utc_now
from infra_shared.doctor.clocks import compared
from intake.errors import EdgeSignatureError, EdgeUnreachableError
from intake.models import Source
from intake.services.addresses import worker_url
from intake.services.edge_letters import edge_status
from intake.signatures.edge import Purpose, read_claim, signed_headers, usable_key, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.checkup import Finding
    from intake.signatures.edge import EdgeKey

ADVICE = "Compare EDGE_KEYS, EDGE_CONTROL_KEYS and EDGE_WORKER_URL with the Worker's: docs/edge.md."


def look() -> Iterator[Finding]:
    """Sign and verify with each key, then ask the Worker, where there is one."""
    if settings.EDGE_KEYS:
        yield from _of_keys()
    elif Source.objects.present().exists():
        yield bad("EDGE_KEYS is empty, and there are sources: no webhook is taken.", ADVICE)
    else:
        yield good("No webhooks are taken: EDGE_KEYS is empty, and there is no source.")
    if worker_url():
        yield from _of_worker()


def _of_keys() -> Iterator[Finding]:
    for key in settings.EDGE_KEYS:
        try:
            _sign_and_verify(key)
        except EdgeSignatureError as error:
            yield bad(f"What the key {key.key_id} signed is refused: {error}", ADVICE)
            return
    shared = {key.secret for key in settings.EDGE_KEYS} & {key.secret for key in settings.EDGE_CONTROL_KEYS}
    if shared:
        yield odd("A key is in EDGE_KEYS and in EDGE_CONTROL_KEYS.", "Make others for EDGE_CONTROL_KEYS.")
    yield good(f"Batches signed with {', '.join(key.key_id for key in settings.EDGE_KEYS)} are verified.")


def _sign_and_verify(key: EdgeKey) -> None:
    now, body = utc_now(), secrets.token_bytes(64)
    headers = signed_headers(purpose=Purpose.BATCH, key=key, batch=str(uuid4()), body=body, now=now)
    claim = read_claim(headers)
    verify(purpose=Purpose.BATCH, claim=claim, key=usable_key(claim, settings.EDGE_KEYS, now), body=body)


def _of_worker() -> Iterator[Finding]:
    before = utc_now()
    try:
        told = edge_status()
        there = datetime.fromisoformat(str(told["now"]))
    except (EdgeUnreachableError, KeyError, ValueError) as error:
        yield bad(f"The edge Worker at {worker_url()} cannot be asked: {error}", ADVICE)
        return
    yield good(f"The edge Worker {told.get('version', '')} answers, with {told.get('sources', 0)} sources.")
    yield compared(there - (before + (utc_now() - before) / 2), "the edge's")
    if letters := told.get("dead_letters"):
        yield odd(
            f"{letters} dead letters lie at the edge.", "Mend their cause, then: manage.py edge redrive"
        )


register(
    Check(name="edge", look=look, advice=ADVICE, order=120, seconds=45, after=("database", "migrations"))
)
