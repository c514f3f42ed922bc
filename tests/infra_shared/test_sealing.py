"""What is sealed comes back whole, or not at all."""

from __future__ import annotations

import io
import os

import pytest
from cryptography.fernet import Fernet

from infra_shared.crypto import DecryptionError
from infra_shared.sealing import MAGIC, rewrap, seal, unsealed

CHUNK = 256 * 1024
SEALED_CHUNK = CHUNK + 16


def _sealed(body: bytes) -> bytes:
    target = io.BytesIO()
    seal(io.BytesIO(body), target)
    return target.getvalue()


def _opened(sealed: bytes) -> bytes:
    return b"".join(unsealed(io.BytesIO(sealed)))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_was_sealed_comes_back_as_it_was(size):
    body = os.urandom(size)

    assert _opened(_sealed(body)) == body


def test_nothing_of_the_content_can_be_read_in_a_sealed_file():
    sealed = _sealed(b"canary" * 1000)

    assert b"canary" not in sealed
    assert sealed != _sealed(b"canary" * 1000)


def _cut(sealed: bytes) -> bytes:
    return sealed[:-SEALED_CHUNK]


def _swapped(sealed: bytes) -> bytes:
    head, one, two, three = _parts(sealed)
    return head + two + one + three


def _left_out(sealed: bytes) -> bytes:
    head, _, two, three = _parts(sealed)
    return head + two + three


def _altered(sealed: bytes) -> bytes:
    return sealed[:-1] + bytes([sealed[-1] ^ 1])


def _continued(sealed: bytes) -> bytes:
    return sealed + _parts(sealed)[-1]


def _parts(sealed: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    head = len(sealed) - 3 * SEALED_CHUNK
    at = [head, head + SEALED_CHUNK, head + 2 * SEALED_CHUNK]
    return sealed[:head], sealed[at[0] : at[1]], sealed[at[1] : at[2]], sealed[at[2] :]


@pytest.mark.parametrize("harm", [_cut, _swapped, _left_out, _altered, _continued])
def test_a_sealed_file_that_was_tampered_with_is_refused(harm):
    with pytest.raises(DecryptionError, match="altered"):
        _opened(harm(_sealed(bytes(3 * CHUNK))))


@pytest.mark.parametrize("body", [b"", b"plain text", MAGIC, MAGIC + b"\xff\xff\xff\xff"])
def test_what_is_no_sealed_file_is_refused(body):
    with pytest.raises(DecryptionError, match="no sealed file"):
        _opened(body)


def test_a_sealed_file_outlives_the_key_it_was_sealed_under_when_its_own_key_is_wrapped_anew(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    sealed = _sealed(b"evidence")
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    rewrapped = io.BytesIO()
    rewrap(io.BytesIO(sealed), rewrapped)

    settings.FIELD_ENCRYPTION_KEYS = [new]

    assert _opened(rewrapped.getvalue()) == b"evidence"
    with pytest.raises(DecryptionError):
        _opened(sealed)
