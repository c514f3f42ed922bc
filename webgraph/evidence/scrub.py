"""What may leave an attempt: every text, file and picture passes here first."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

from infra_shared.redaction import MASK, Redactor, UnreadableArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ZIP = b"PK\x03\x04"


class Scrub:
    """Knows the attempt's secrets and takes them out of what is reported."""

    def __init__(self, secrets: Mapping[str, Mapping[str, str]]) -> None:
        self.values: tuple[str, ...] = tuple(
            dict.fromkeys(value for fields in secrets.values() for value in fields.values() if value)
        )
        self.redactor = Redactor(self.values)

    def learn(self, secrets: Iterable[str]) -> None:
        """Know more secrets from now on, such as the code somebody was asked for."""
        new = tuple(secrets)
        self.values = tuple(dict.fromkeys([*self.values, *(value for value in new if value)]))
        self.redactor.learn(new)

    def text(self, text: str) -> str:
        """A text without secrets."""
        return self.redactor.text(text)

    def json(self, value: Any) -> Any:
        """A JSON value without secrets."""
        return self.redactor.json(value)

    def html(self, html: str) -> bytes:
        """A document without secrets, as bytes."""
        return self.redactor.text(html).encode("utf-8", "replace")

    def holds_secret(self, text: str) -> bool:
        """Whether a text is or contains a secret; short secrets count when they are the whole text."""
        return text in self.values or self.redactor.contains(text)

    def shown(self, value: str) -> str:
        """A typed value as a step's description may show it."""
        return MASK if self.holds_secret(value) else value

    def file(self, body: bytes) -> bytes:
        """A downloaded file without secrets; left byte for byte as it is when it holds none.

        An archive is written anew only when one of its members holds a secret. Raises UnreadableArchiveError when it
        cannot be looked into.
        """
        if not self.redactor:
            return body
        if not body.startswith(_ZIP):
            return self._known_only(body)
        return self.redactor.archive(body) if self._archive_holds_secret(body) else body

    def _known_only(self, body: bytes) -> bytes:
        return self.redactor.data(body) if self._bytes_hold_secret(body) else body

    def _bytes_hold_secret(self, body: bytes) -> bool:
        return self.redactor.contains(body.decode("utf-8", "replace"))

    def _archive_holds_secret(self, body: bytes) -> bool:
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                return any(self._bytes_hold_secret(archive.read(name)) for name in archive.namelist())
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
            raise UnreadableArchiveError(str(error)) from error
