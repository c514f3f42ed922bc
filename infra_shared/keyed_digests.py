"""Digests that only the holder of the key ring can compute: to compare what is too short to be hashed in the open."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY_BYTES = 32


def keyed_digests(data: bytes, *, purpose: str) -> Iterator[str]:
    """HMAC-SHA256 of the data in hexadecimal, under a key for this purpose derived from each of FIELD_ENCRYPTION_KEYS.

    The newest key comes first: its digest is the one to keep. A kept digest is of the same data when it is any of these,
    for as long as the key it was made with is in the list.
    """
    for key in settings.FIELD_ENCRYPTION_KEYS:
        yield hmac.digest(_derived(key, purpose), data, hashlib.sha256).hex()


@lru_cache(maxsize=16)
def _derived(key: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(key.encode())
