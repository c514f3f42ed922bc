"""Signed requests between the edge Worker and this server, in both directions.

    X-Edge-Signature: v1=hex(HMAC-SHA256(secret, "v1.{purpose}.{key id}.{timestamp}.{batch}." + body))

The purpose is one word of `Purpose`, so that a request signed for one thing opens nothing else. Several keys are good at the
same time, which is how one takes over from another: the first signs, all of them verify.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from intake.errors import EdgeSignatureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

KEY_HEADER = "X-Edge-Key"
TIMESTAMP_HEADER = "X-Edge-Timestamp"
BATCH_HEADER = "X-Edge-Batch"
SIGNATURE_HEADER = "X-Edge-Signature"
TOLERANCE_SECONDS = 300
_FINGERPRINT_LENGTH = 16
_VERSION = "v1"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BATCH = re.compile(r"[0-9A-Za-z-]{1,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class Purpose(StrEnum):
    """What a signed request is for."""

    BATCH = "batch"
    DEAD_LETTERS = "dead-letters"
    READY = "ready"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class EdgeKey:
    """A secret both sides know, and the id that names it in a request."""

    key_id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"EdgeKey({self.key_id!r})"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of itself, before anything is proved."""

    key_id: str
    timestamp: str
    batch: str
    signature: str


def parse_keys(entries: Iterable[str]) -> tuple[EdgeKey, ...]:
    """The keys of a setting's `key-id:hex` entries; ValueError, which repeats no secret, when one is malformed."""
    keys = []
    for entry in entries:
        key_id, colon, secret = entry.partition(":")
        if not colon or not _KEY_ID.fullmatch(key_id) or not re.fullmatch(r"[0-9A-Fa-f]{64}", secret):
            raise ValueError(
                "must list key-id:secret entries, each secret 32 bytes as 64 hexadecimal digits."
            )
        keys.append(EdgeKey(key_id, bytes.fromhex(secret)))
    if len({key.key_id for key in keys}) != len(keys):
        raise ValueError("names the same key id twice.")
    return tuple(keys)


def signed_headers(
    *, purpose: Purpose, key: EdgeKey, batch: str, body: bytes, now: datetime
) -> dict[str, str]:
    """The headers that sign a request. `batch` must be unique for each request."""
    timestamp = str(int(now.timestamp()))
    return {
        KEY_HEADER: key.key_id,
        TIMESTAMP_HEADER: timestamp,
        BATCH_HEADER: batch,
        SIGNATURE_HEADER: f"{_VERSION}={_digest(purpose, key, timestamp, batch, body)}",
    }


def read_claim(headers: Mapping[str, str]) -> Claim:
    """What the headers say; EdgeSignatureError when they are missing or malformed. Nothing is proved by this."""
    claim = Claim(
        key_id=headers.get(KEY_HEADER, ""),
        timestamp=headers.get(TIMESTAMP_HEADER, ""),
        batch=headers.get(BATCH_HEADER, ""),
        signature=headers.get(SIGNATURE_HEADER, ""),
    )
    if not (claim.key_id and claim.timestamp and claim.batch and claim.signature):
        raise EdgeSignatureError("The request is not signed by the edge.")
    if not _TIMESTAMP.fullmatch(claim.timestamp) or not _BATCH.fullmatch(claim.batch):
        raise EdgeSignatureError("The headers of the edge's signature are malformed.")
    return claim


def usable_key(claim: Claim, keys: Sequence[EdgeKey], now: datetime) -> EdgeKey:
    """The key the claim names; EdgeSignatureError when there is none, or the claim is not of now.

    Both can be said before a body is read, so that a stranger's body costs nothing.
    """
    key = next((key for key in keys if key.key_id == claim.key_id), None)
    if key is None:
        raise EdgeSignatureError("The edge's key id is not known here: compare EDGE_KEYS on both sides.")
    if abs(now.timestamp() - int(claim.timestamp)) > TOLERANCE_SECONDS:
        raise EdgeSignatureError(
            f"The edge's timestamp is more than {TOLERANCE_SECONDS} seconds from this server's clock."
        )
    return key


def verify(*, purpose: Purpose, claim: Claim, key: EdgeKey, body: bytes) -> None:
    """Return when the claim was signed with the key, for this purpose and body; EdgeSignatureError when it was not."""
    wanted = f"{_VERSION}={_digest(purpose, key, claim.timestamp, claim.batch, body)}"
    if not hmac.compare_digest(wanted.encode(), claim.signature.encode("utf-8", "surrogateescape")):
        raise EdgeSignatureError("The edge's signature does not fit the request.")


def fingerprint(*, key: EdgeKey, secret: str) -> str:
    """What both sides call a source's secret without saying it: keyed, so that it tells nothing of a short one."""
    text = f"fingerprint.{secret}".encode()
    return hmac.new(key.secret, text, hashlib.sha256).hexdigest()[:_FINGERPRINT_LENGTH]


def _digest(purpose: Purpose, key: EdgeKey, timestamp: str, batch: str, body: bytes) -> str:
    begin = f"{_VERSION}.{purpose.value}.{key.key_id}.{timestamp}.{batch}.".encode()
    return hmac.new(key.secret, begin + body, hashlib.sha256).hexdigest()
