"""How an API key is written: `<prefix>_<8-character id>_<43-character secret><6-character checksum>`.

The checksum lets secret scanners and the server tell a mistyped or invented key from a real one without a look-up.
The secret carries 256 bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass

from infra_shared.ids import base62, random_token

_ID_LENGTH = 8
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_FORM = re.compile(
    rf"(?P<prefix>[a-z][a-z0-9]*)_(?P<id>[0-9A-Za-z]{{{_ID_LENGTH}}})"
    rf"_(?P<secret>[0-9A-Za-z]{{{_SECRET_LENGTH}}})(?P<checksum>[0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True, repr=False)
class KeyText:
    """The parts of a written key."""

    prefix: str
    public_id: str
    secret: str

    @property
    def plaintext(self) -> str:
        """The whole key, as its holder sends it."""
        body = f"{self.prefix}_{self.public_id}_{self.secret}"
        return body + _checksum(body)

    @property
    def secret_sha256(self) -> str:
        """What is stored of the secret."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def matches(self, stored_sha256: str) -> bool:
        """Whether the stored hash is this secret's, compared in constant time."""
        return hmac.compare_digest(self.secret_sha256, stored_sha256)


def new_key(prefix: str) -> KeyText:
    """A fresh random key."""
    return KeyText(prefix, random_token(_ID_LENGTH), random_token(_SECRET_LENGTH))


def parse_key(plaintext: str) -> KeyText | None:
    """The parts of a key, or None when the text is none: wrong form or wrong checksum."""
    found = _FORM.fullmatch(plaintext)
    if found is None or _checksum(plaintext[:-_CHECKSUM_LENGTH]) != found["checksum"]:
        return None
    return KeyText(found["prefix"], found["id"], found["secret"])


def _checksum(body: str) -> str:
    return base62(zlib.crc32(body.encode()), width=_CHECKSUM_LENGTH)
