"""Files encrypted in chunks under a key of their own, which the key ring wraps.

Layout: the magic, the length of the wrapped key in four bytes, the wrapped key, then chunks of AES-256-GCM. The nonce
of a chunk is its number and whether it is the last, so that one cannot be left out, moved, repeated, or the file cut,
without the reader noticing. (This is the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015.) Each
file has its own random key, so that no nonce is used twice under one.
"""

from __future__ import annotations

import secrets
from typing import IO, TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra_shared.crypto import DecryptionError, decrypt, encrypt

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"SEALED1\n"
_CHUNK_BYTES = 256 * 1024
_TAG_BYTES = 16
_KEY_BYTES = 32
_LONGEST_WRAPPED_BYTES = 4096
LONGEST_HEAD_BYTES = len(MAGIC) + 4 + _LONGEST_WRAPPED_BYTES
"""So much of a sealed file's beginning holds its wrapped key."""


def seal(source: IO[bytes], target: IO[bytes]) -> None:
    """Write the source encrypted to the target; one chunk is in memory at a time."""
    key = secrets.token_bytes(_KEY_BYTES)
    _write_head(target, encrypt(key))
    cipher = AESGCM(key)
    number, chunk = 0, source.read(_CHUNK_BYTES)
    while True:
        following = source.read(_CHUNK_BYTES)
        target.write(cipher.encrypt(_nonce(number, is_last=not following), chunk, MAGIC))
        if not following:
            return
        number, chunk = number + 1, following


def unsealed(source: IO[bytes]) -> Iterator[bytes]:
    """The plain bytes in pieces; raises DecryptionError when no key fits, or when anything was altered or cut off.

    A piece is given only when it is authentic; that the file is whole is known when the last one was.
    """
    cipher = AESGCM(decrypt(_read_head(source)))
    number, chunk = 0, source.read(_CHUNK_BYTES + _TAG_BYTES)
    while True:
        following = source.read(_CHUNK_BYTES + _TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, is_last=not following), chunk, MAGIC)
        except InvalidTag:
            msg = f"The sealed file was altered or cut off at chunk {number + 1}."
            raise DecryptionError(msg) from None
        if not following:
            return
        number, chunk = number + 1, following


def rewrap(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy a sealed file with its key wrapped by the newest key of the ring; what it holds is not decrypted."""
    _write_head(target, encrypt(decrypt(_read_head(source))))
    while piece := source.read(_CHUNK_BYTES):
        target.write(piece)


def wrapped_key(source: IO[bytes]) -> bytes:
    """The wrapped key of a sealed file, which tells by which key of the ring it was wrapped."""
    return _read_head(source)


def _write_head(target: IO[bytes], wrapped: bytes) -> None:
    target.write(MAGIC + len(wrapped).to_bytes(4) + wrapped)


def _read_head(source: IO[bytes]) -> bytes:
    head = source.read(len(MAGIC) + 4)
    length = int.from_bytes(head[len(MAGIC) :])
    wrapped = source.read(length) if head.startswith(MAGIC) and length <= _LONGEST_WRAPPED_BYTES else b""
    if not wrapped or len(wrapped) != length:
        msg = "This is no sealed file."
        raise DecryptionError(msg)
    return wrapped


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])
