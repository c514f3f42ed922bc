"""Removing old back-ups by a policy, and the bytes that no back-up needs any more.

1. Everything is judged before anything is removed. What cannot be judged (a manifest or a list that was altered, or that a
   newer release wrote) ends it: its files could not be told from those that nobody needs.
2. Back-ups that go lose their names first, all of them, and then their files: one that is removed by half is none.
3. Last the contents that no list of those that stay names. A command that was broken off is begun again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby, pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING

from infra_shared.backups.errors import BackupError, DamagedBackupError
from infra_shared.backups.manifest import check_file, read_manifest
from infra_shared.backups.place import BLOB_LIST, read_blob_list
from infra_shared.backups.thinning import Dated, kept_for
from infra_shared.backups.verifying import look_through
from infra_shared.blobs.protocol import INCOMING, BlobError
from infra_shared.retention import EVERY_SHELF
from infra_shared.services import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from infra_shared.backups.manifest import Manifest
    from infra_shared.backups.place import BackupPlace
    from infra_shared.backups.thinning import Policy
    from infra_shared.blobs.protocol import StoredFile

    Tell = Callable[[str, int], None]

NEWEST_WHOLE, NEWEST_COMPLETE = "newest whole", "newest complete"
_STORED = re.compile(r"([0-9a-f]{64})(\.zst)?")
_WHENEVER_PUT = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Pruned:
    """What stays and by which rules, and what was removed; in a dry run, what would be."""

    kept: dict[str, list[str]]
    """The names, the oldest first."""
    removed: list[str]
    broken_off: list[str] = field(default_factory=list)
    """Folders of back-ups that were never finished."""
    files: int = 0
    freed_bytes: int = 0
    """Of the shared contents; the dumps of what was removed are not counted."""


def prune_backups(
    *,
    place: BackupPlace,
    policy: Policy,
    actor: str,
    dry_run: bool = False,
    tell: Tell = lambda _what, _done: None,
) -> Pruned:
    """Remove the back-ups that the policy does not keep; BackupError when that cannot be judged, and then all stay.

    Whatever the policy, the newest back-up that is whole stays, and the newest of those that lack no file.
    """
    with place.reading() if dry_run else place.locked():
        done = _judge(place, policy, tell)
        lists = [place.root / name / BLOB_LIST for name in done.kept]
        if dry_run:
            _sweep(place, lists, done, tell, dry_run=True)
            return done
        audit.record(
            actor=actor,
            action="backup.prune",
            object_kind="backup",
            object_id=place.root.name,
            details={"removed": done.removed, "kept": list(done.kept)},
        )
        place.discard(done.removed)
        _sweep(place, lists, done, tell, dry_run=False)
    return done


def _judge(place: BackupPlace, policy: Policy, tell: Tell) -> Pruned:
    place.folder(None)  # a folder that holds no back-up is a mistake, not a tidy one
    manifests = {name: read_manifest(place.root / name) for name in place.names()}
    dated = [
        Dated(name, about.created_at.astimezone(UTC), bool(about.blobs.missing))
        for name, about in manifests.items()
    ]
    reasons = kept_for(dated, policy)
    for name, reason in _never_removed(place, manifests, tell):
        reasons.setdefault(name, []).append(reason)
    kept = {name: reasons[name] for name in manifests if name in reasons}
    for name in kept:
        _check_list(place.root / name, manifests[name])
    return Pruned(
        kept=kept,
        removed=[name for name in manifests if name not in kept],
        broken_off=[path.name for path in place.broken_off()],
    )


def _never_removed(
    place: BackupPlace, manifests: dict[str, Manifest], tell: Tell
) -> Iterator[tuple[str, str]]:
    """The newest back-up that is whole, and the newest that lacks nothing beside: mostly one and the same."""
    has_whole = False
    for name, about in reversed(manifests.items()):
        is_complete = not about.blobs.missing
        if has_whole and not is_complete:
            continue
        if look_through(place=place, folder=place.root / name, contents=False, tell=tell).problems:
            continue
        if not has_whole:
            yield name, NEWEST_WHOLE
            has_whole = True
        if is_complete:
            yield name, NEWEST_COMPLETE
            return
    if not has_whole:
        raise BackupError(
            f"None of the {len(manifests)} back-ups in {place.root} is whole, so nothing was removed. Make another one; "
            "`manage.py backup verify` says what is wrong with these."
        )


def _check_list(folder: Path, about: Manifest) -> None:
    """DamagedBackupError unless the list says what the back-up needs, in the order in which it is read."""
    try:
        blobs = read_blob_list(check_file(folder, about.blob_list))
        in_order = all(first.digest < second.digest for first, second in pairwise(blobs))
        damage = "" if in_order else f"{folder / BLOB_LIST} is not in order."
    except DamagedBackupError as error:
        damage = str(error)
    if damage:
        raise DamagedBackupError(
            f"{damage} What it needs is not known, so nothing was removed. Move {folder} elsewhere and begin again."
        )


def _sweep(place: BackupPlace, lists: list[Path], done: Pruned, tell: Tell, *, dry_run: bool) -> None:
    """Remove the contents that none of the lists names, and what uploads left unfinished."""
    try:
        for file in _unneeded(place, lists):
            if dry_run or place.blobs.remove_unwanted(file.name, before=_WHENEVER_PUT):
                done.files += 1
                done.freed_bytes += file.stored_bytes
            tell("unneeded files", done.files)
    except BlobError as error:
        raise BackupError(f"Removing files broke off; it can be begun again: {error}") from error


def _unneeded(place: BackupPlace, lists: list[Path]) -> Iterator[StoredFile]:
    yield from place.blobs.files(INCOMING)  # the lock is held, so nobody is writing
    for shelf, needed in _needed_by_shelf(lists):
        for file in place.blobs.files(shelf):
            stored = _STORED.fullmatch(PurePath(file.name).name)
            if stored is not None and stored[1] not in needed:
                yield file


def _needed_by_shelf(lists: Iterable[Path]) -> Iterator[tuple[str, set[str]]]:
    """The digests that any of the lists names, shelf by shelf: all at once would be too many for memory."""
    digests = merge(*((blob.digest for blob in read_blob_list(path)) for path in lists))
    groups = groupby(digests, key=lambda digest: digest[:2])
    following = next(groups, None)
    for shelf in EVERY_SHELF:
        if following is not None and following[0] == shelf:
            yield shelf, set(following[1])
            following = next(groups, None)
        else:
            yield shelf, set()
