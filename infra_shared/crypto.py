"""Encryption of small values at rest, and the model field that uses it.

Keys are Fernet keys (AES-128-CBC with HMAC-SHA256) from `FIELD_ENCRYPTION_KEYS`, newest first: the first encrypts,
all of them decrypt, so a key is rotated by putting a new one in front and then `manage.py secrets rotate`.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute

_PREFIX = "fernet:"
_FINGERPRINT_DIGITS = 16


class DecryptionError(Exception):
    """A stored value was encrypted with a key that is no longer in FIELD_ENCRYPTION_KEYS, or was altered."""


class Sealed:
    """A decrypted value that shows itself to nobody who does not ask: `reveal()` returns it, `str` and `repr` do not."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def reveal(self) -> Any:
        """The plain value."""
        return self._value

    def __repr__(self) -> str:
        return "•••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and self._value == other._value

    __hash__ = None  # type: ignore[assignment]  # the value may be a dict


def encrypt(data: bytes) -> bytes:
    """The bytes encrypted with the newest key, as URL-safe ASCII."""
    return _keyring(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(data)


def decrypt(token: bytes) -> bytes:
    """What was encrypted; raises DecryptionError when no key fits."""
    try:
        return _keyring(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(token)
    except InvalidToken:
        msg = "No key in FIELD_ENCRYPTION_KEYS decrypts this value; put the key it was stored with back into the list."
        raise DecryptionError(msg) from None


def key_number(token: bytes) -> int | None:
    """Which key of FIELD_ENCRYPTION_KEYS a token was encrypted with: 0 is the newest; None when none fits."""
    for number, key in enumerate(settings.FIELD_ENCRYPTION_KEYS):
        try:
            Fernet(key).decrypt(token)
        except InvalidToken:
            continue
        return number
    return None


def key_fingerprints() -> tuple[str, ...]:
    """What tells the keys of FIELD_ENCRYPTION_KEYS apart without giving them away, the newest first.

    A key is 32 random bytes, so that nobody finds it by trying; a fingerprint is half of a digest's half.
    """
    return tuple(
        hashlib.sha256(b"fingerprint of a field encryption key\0" + key.encode()).hexdigest()[
            :_FINGERPRINT_DIGITS
        ]
        for key in settings.FIELD_ENCRYPTION_KEYS
    )


def key_number_of_text(text: str) -> int | None:
    """The same of what `encrypt_json` wrote."""
    return key_number(text.removeprefix(_PREFIX).encode("ascii"))


def encrypt_json(value: Any) -> str:
    """A JSON value as encrypted text."""
    return _PREFIX + encrypt(json.dumps(value).encode()).decode("ascii")


def decrypt_json(text: str) -> Any:
    """The JSON value inside an encrypted text; raises DecryptionError when no key fits."""
    return json.loads(decrypt(text.removeprefix(_PREFIX).encode("ascii")))


def reencrypt(text: str) -> str:
    """The same encrypted text under the newest key; raises DecryptionError when no key fits."""
    return encrypt_json(decrypt_json(text))


@lru_cache(maxsize=4)
def _keyring(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        msg = (
            f"FIELD_ENCRYPTION_KEYS must list at least one Fernet key (32 bytes in URL-safe base64): {error}."
        )
        raise ImproperlyConfigured(msg) from error


class _SealingAttribute(DeferredAttribute):
    """Seals whatever is assigned, so that an instance never holds the plain value in the open."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class EncryptedJSONField(models.TextField[Any, Sealed]):
    """A JSON value that is encrypted in the database and read as `Sealed`.

    Forms leave it out, serialisers write the encrypted text, and it can be looked up by `isnull` alone.
    """

    descriptor_class = _SealingAttribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """How migrations write the field."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def from_db_value(self, value: str | None, *_: Any) -> Sealed | None:
        """Decrypt a column."""
        return None if value is None else Sealed(decrypt_json(value))

    def to_python(self, value: Any) -> Sealed | None:
        """Seal a plain value; an encrypted text (from a serialiser) is decrypted."""
        if value is None or isinstance(value, Sealed):
            return value
        is_encrypted = isinstance(value, str) and value.startswith(_PREFIX)
        return Sealed(decrypt_json(value) if is_encrypted else value)

    def get_prep_value(self, value: Any) -> str | None:
        """Encrypt for the database."""
        sealed = self.to_python(value)
        return None if sealed is None else encrypt_json(sealed.reveal())

    def value_to_string(self, obj: models.Model) -> str:
        """What serialisers write: the encrypted text."""
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def get_lookup(self, lookup_name: str) -> Any:
        """Only `isnull`: the same value encrypts to another text each time, so comparing would never match."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
