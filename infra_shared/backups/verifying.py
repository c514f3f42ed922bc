"""Whether a back-up is whole: every byte of it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra_shared.backups.errors import DamagedBackupError
from infra_shared.backups.manifest import Manifest, check_file, read_manifest
from infra_shared.backups.place import read_blob_list
from infra_shared.backups.snapshot import check_sqlite
from infra_shared.backups.stored_bytes import check_blob
from infra_shared.blobs.protocol import BlobError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra_shared.backups.place import BackupPlace
    from infra_shared.blobs.protocol import BlobInfo

    Tell = Callable[[str, int], None]


@dataclass(slots=True)
class Verified:
    """What was found; `problems` is empty when the back-up is whole."""

    folder: Path
    manifest: Manifest
    blobs: int = 0
    problems: list[str] = field(default_factory=list)


def verify_backup(
    *, place: BackupPlace, name: str | None = None, tell: Tell = lambda _what, _done: None
) -> Verified:
    """Hold a back-up against its manifest and each content against its name; BackupError when there is none."""
    with place.reading():
        return look_through(place=place, folder=place.folder(name), contents=True, tell=tell)


def look_through(*, place: BackupPlace, folder: Path, contents: bool, tell: Tell) -> Verified:
    """What is wrong with one back-up; without `contents` its files must be there, and are not read.

    For whom holds the place. DamagedBackupError when it has no manifest that can be read.
    """
    manifest = read_manifest(folder)
    found = Verified(folder=folder, manifest=manifest)
    try:
        check_dump(folder, manifest)
        blob_list = check_file(folder, manifest.blob_list)
    except DamagedBackupError as error:
        found.problems.append(str(error))
        return found
    missing = set(manifest.blobs.missing)
    for number, blob in enumerate(read_blob_list(blob_list), 1):
        held = place.held(blob.digest, blob.size_bytes)
        if held is None and blob.digest not in missing:
            found.problems.append(f"The bytes of {blob.digest} are not in {place.root}.")
        if held is not None:
            found.blobs += 1
            if contents and (problem := _damage(held, place)):
                found.problems.append(problem)
        tell("blobs", number)
    return found


def _damage(held: BlobInfo, place: BackupPlace) -> str:
    """What is wrong with the bytes of one content; "" for nothing."""
    try:
        check_blob(held, store=place.blobs)
    except BlobError as error:
        return str(error)
    return ""


def check_dump(folder: Path, manifest: Manifest) -> Path:
    """The dump, once it is known to be whole; DamagedBackupError otherwise."""
    dump = check_file(folder, manifest.dump)
    if manifest.vendor == "sqlite":
        check_sqlite(dump)
    return dump
