"""What a back-up says of itself: enough to refuse it where it does not fit, and to tell whether it is whole."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra_shared.backups.errors import DamagedBackupError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "manifest.json"
_PIECE_BYTES = 1024 * 1024


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileFacts(_Strict):
    """One file of the back-up beside its manifest."""

    name: str = Field(pattern=r"^[a-z0-9.]+$")
    size_bytes: int
    sha256: str


class BlobFacts(_Strict):
    """How much is in the list of blobs; `missing` are digests whose bytes the store did not have, or had damaged."""

    count: int
    size_bytes: int
    missing: tuple[str, ...] = ()


class Manifest(_Strict):
    """One back-up: when and of what, with hashes and counts to hold it against.

    `rows` counts each table in the same moment the dump shows. `keys` are the fingerprints of FIELD_ENCRYPTION_KEYS, the
    newest first; the keys themselves are not in a back-up.
    """

    format: Literal[1] = 1
    created_at: datetime
    vendor: Literal["sqlite", "postgresql"]
    server_version: str
    dump: FileFacts
    blob_list: FileFacts
    blobs: BlobFacts
    rows: dict[str, int]
    migrations: dict[str, tuple[str, ...]]
    keys: tuple[str, ...]


def read_manifest(folder: Path) -> Manifest:
    """The manifest in a back-up's folder; DamagedBackupError when it is none that this release understands."""
    try:
        return Manifest.model_validate_json((folder / FILE).read_bytes())
    except FileNotFoundError as error:
        msg = f"{folder} holds no {FILE}: it is no finished back-up."
        raise DamagedBackupError(msg) from error
    except (OSError, ValidationError) as error:
        msg = f"{folder / FILE} cannot be read; it was altered, or a newer release wrote it. {error}"
        raise DamagedBackupError(msg) from error


def file_facts(path: Path) -> FileFacts:
    """Name, length and hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return FileFacts(name=path.name, size_bytes=path.stat().st_size, sha256=digest.hexdigest())


def check_file(folder: Path, facts: FileFacts) -> Path:
    """The file, once it is known to be the one that was written; DamagedBackupError otherwise."""
    path = folder / facts.name
    try:
        found = file_facts(path)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}. Take another back-up."
        raise DamagedBackupError(msg) from error
    if found != facts:
        msg = f"{path} is not what was backed up: it was altered or cut off. Take another back-up."
        raise DamagedBackupError(msg)
    return path
