"""Where the fields of a credential may be kept instead of in the database: a port for vaults, and the environment.

A reference is `SCHEME:PATH`, and the scheme says which vault is asked. A vault of your own is a class with `lookup`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENVIRONMENT = "env"


class VaultError(Exception):
    """A vault does not give what was asked for; the message says what to do and holds no value.

    `permanent` is False when it may, a little later.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        self.permanent = permanent
        super().__init__(message)


class Vault(Protocol):
    """Keeps secrets outside this installation."""

    def lookup(self, path: str) -> Mapping[str, str]:
        """The fields at a path, read anew each time. VaultError when there are none, or it cannot be reached."""

    def complaint(self, path: str) -> str:
        """Why a path can never be looked up here; "" when it can. Asked when a credential is set."""


class EnvironmentVault:
    """The environment of the server's processes: `CREDENTIAL_SHOP` has a field for each variable `CREDENTIAL_SHOP_…`.

    `CREDENTIAL_SHOP_PASSWORD` is the field `password`. Only paths that begin with one of the prefixes are looked up, so
    that nobody reads the server's own settings this way.
    """

    def __init__(self, prefixes: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        self._prefixes = tuple(prefixes)
        self._environ = environ if environ is not None else os.environ  # noqa: TID251 - the environment is the vault

    def lookup(self, path: str) -> Mapping[str, str]:
        """The variables below the path, without the path, in lower case."""
        if complaint := self.complaint(path):
            raise VaultError(complaint)
        begin = f"{path}_"
        fields = {
            name.removeprefix(begin).lower(): value
            for name, value in self._environ.items()
            if name.startswith(begin) and value and name != begin
        }
        if not fields:
            raise VaultError(
                f"No variable of the environment begins with {begin}. Set them, such as {begin}PASSWORD, for every process "
                "of this node, and start it again."
            )
        return fields

    def complaint(self, path: str) -> str:
        """Why the path is not among those that may be read."""
        if any(path.startswith(prefix) and path != prefix for prefix in self._prefixes):
            return ""
        allowed = " or ".join(self._prefixes) or "nothing: CREDENTIAL_ENV_PREFIXES is empty"
        return f"{path} may not be read from the environment; a reference begins with {allowed}."


class Vaults:
    """All vaults of an installation, by the scheme of their references."""

    def __init__(self, vaults: Mapping[str, Vault]) -> None:
        self._vaults = dict(vaults)

    def lookup(self, reference: str) -> Mapping[str, str]:
        """The fields behind a reference; VaultError says why there are none."""
        if complaint := self.complaint(reference):
            raise VaultError(complaint)
        scheme, _, path = reference.partition(":")
        return self._vaults[scheme].lookup(path)

    def complaint(self, reference: str) -> str:
        """Why a reference can never be looked up; "" when it can."""
        scheme, colon, path = reference.partition(":")
        if not (colon and path) or scheme not in self._vaults:
            known = ", ".join(f"{name}:…" for name in self._vaults)
            return f"{reference!r} is no reference to a vault; write one of {known}."
        return self._vaults[scheme].complaint(path)
