"""Old back-ups: which stay, what is removed with the others, and what is never removed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

from infra_shared.backups.creating import create_backup
from infra_shared.backups.errors import BackupError, DamagedBackupError
from infra_shared.backups.manifest import BlobFacts, Manifest, file_facts
from infra_shared.backups.place import BLOB_LIST, BackupPlace, write_durably, write_manifest
from infra_shared.backups.pruning import NEWEST_COMPLETE, NEWEST_WHOLE, prune_backups
from infra_shared.backups.snapshot import SQLITE_FILE
from infra_shared.backups.thinning import Dated, Policy, kept_for
from infra_shared.backups.verifying import verify_backup
from infra_shared.models import AuditLine, Blob
from runs.models import Artifact
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from infra_shared.backups.pruning import Pruned
    from tests.support.runs_factory import RunsFactory

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)  # a Monday
ONE = Policy(last=1, daily=0, weekly=0, monthly=0)
TWO = Policy(last=2, daily=0, weekly=0, monthly=0)


@pytest.fixture
def place(tmp_path: Path) -> BackupPlace:
    """A folder without a back-up."""
    return BackupPlace(tmp_path / "backups")


def lay(place: BackupPlace, *, days_ago: int, contents: Iterable[bytes] = (), missing: str = "") -> str:
    """Put a back-up of that day into the place, as `backup create` leaves one; its name."""
    at = NOW - timedelta(days=days_ago)
    folder = place.root / at.strftime("%Y%m%dT%H%M%S-%fZ")
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / SQLITE_FILE)) as database:
        database.execute("CREATE TABLE day (number)")
    blobs = sorted((place.blobs.put(body, text=False) for body in contents), key=lambda blob: blob.digest)
    lines = [f"{blob.digest}\t{blob.size_bytes}\t{blob.encoding}\n" for blob in blobs]
    write_durably(folder / BLOB_LIST, lines)
    manifest = Manifest(
        created_at=at,
        vendor="sqlite",
        server_version=sqlite3.sqlite_version,
        dump=file_facts(folder / SQLITE_FILE),
        blob_list=file_facts(folder / BLOB_LIST),
        blobs=BlobFacts(count=len(blobs), size_bytes=0, missing=(missing,) if missing else ()),
        rows={},
        migrations={},
        keys=(),
    )
    write_manifest(folder, manifest)
    return folder.name


def prune(place: BackupPlace, policy: Policy, **options: Any) -> Pruned:
    """Prune as the command does."""
    return prune_backups(place=place, policy=policy, actor="command", **options)


def stored(place: BackupPlace) -> set[bytes]:
    """The contents the place holds."""
    return {path.read_bytes() for path in (place.root / "blobs").rglob("*") if path.is_file()}


def days(*numbers: int, lacks: Iterable[int] = ()) -> list[Dated]:
    """Back-ups of so many days ago, named by their number."""
    return [Dated(str(number), NOW - timedelta(days=number), number in lacks) for number in numbers]


def test_the_newest_of_so_many_days_weeks_and_months_stay() -> None:
    kept = kept_for(days(*range(100)), Policy(last=1, daily=3, weekly=3, monthly=4))

    assert kept == {
        "0": ["last", "daily", "weekly", "monthly"],
        "1": ["daily", "weekly"],  # Sunday
        "2": ["daily"],
        "8": ["weekly"],  # the Sunday before
        "23": ["monthly"],  # 31 October
        "54": ["monthly"],  # 30 September
        "84": ["monthly"],  # 31 August
    }


def test_a_time_without_back_ups_takes_none_of_the_others_along() -> None:
    kept = kept_for(days(0, 200, 400, 600), Policy(last=0, daily=3, weekly=0, monthly=4))

    assert list(kept) == ["0", "200", "400", "600"]


def test_of_a_month_one_that_lacks_no_file_stays_before_a_newer_one_that_does() -> None:
    kept = kept_for(days(30, 31, 32, lacks=[30, 32]), Policy(last=0, daily=0, weekly=0, monthly=1))

    assert kept == {"31": ["monthly"]}


@pytest.mark.django_db
def test_what_a_back_up_that_stays_needs_is_kept_and_the_rest_is_removed_with_an_audit_line(
    place: BackupPlace,
) -> None:
    old = lay(place, days_ago=9, contents=[b"of both", b"of the old one"])
    new = lay(place, days_ago=0, contents=[b"of both", b"of the new one"])

    done = prune(place, ONE)

    assert done.kept == {new: ["last", NEWEST_WHOLE, NEWEST_COMPLETE]}
    assert (done.removed, done.files, done.freed_bytes) == ([old], 1, len(b"of the old one"))
    assert stored(place) == {b"of both", b"of the new one"}
    assert verify_backup(place=place).problems == []
    assert AuditLine.objects.get(action="backup.prune").details == {"removed": [old], "kept": [new]}


@pytest.mark.django_db
def test_a_dry_run_says_the_same_and_changes_nothing(place: BackupPlace) -> None:
    lay(place, days_ago=9, contents=[b"old"])
    lay(place, days_ago=0, contents=[b"new"])
    (place.root / "20261101T060000-000000Z.partial").mkdir()
    before = {path: path.stat() for path in place.root.rglob("*")}

    said = prune(place, ONE, dry_run=True)

    assert {path: path.stat() for path in place.root.rglob("*")} == before
    assert not AuditLine.objects.exists()
    assert asdict(prune(place, ONE)) == asdict(said)
    assert place.broken_off() == []


@pytest.mark.django_db
def test_the_newest_whole_back_up_stays_whatever_the_policy(place: BackupPlace) -> None:
    lay(place, days_ago=9)
    whole = lay(place, days_ago=5, contents=[b"all of it"])
    cut = lay(place, days_ago=1)
    (place.root / cut / SQLITE_FILE).write_bytes(b"SQLite")
    bare = lay(place, days_ago=0, contents=[b"lost"])
    shutil.rmtree(place.root / "blobs" / place.blobs.put(b"lost", text=False).digest[:2])

    done = prune(place, Policy(last=0, daily=0, weekly=0, monthly=0))

    assert done.kept == {whole: [NEWEST_WHOLE, NEWEST_COMPLETE]}
    assert place.names() == [whole]
    assert stored(place) == {b"all of it"}
    assert {cut, bare} < set(done.removed)


@pytest.mark.django_db
def test_the_newest_that_lacks_no_file_stays_beside_a_newer_one_that_does(place: BackupPlace) -> None:
    complete = lay(place, days_ago=5)
    lay(place, days_ago=3, missing="a" * 64)
    newest = lay(place, days_ago=0, missing="a" * 64)

    done = prune(place, ONE)

    assert done.kept == {complete: [NEWEST_COMPLETE], newest: ["last", NEWEST_WHOLE]}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("file", "bad", "told"),
    [
        ("manifest.json", b"{}", "a newer release wrote it"),
        (BLOB_LIST, b"", "What it needs is not known"),
    ],
)
def test_nothing_is_removed_while_it_is_not_known_what_a_back_up_needs(
    file: str, bad: bytes, told: str, place: BackupPlace
) -> None:
    lay(place, days_ago=9, contents=[b"oldest"])
    odd = lay(place, days_ago=5, contents=[b"odd"])
    lay(place, days_ago=0)
    (place.root / odd / file).write_bytes(bad)

    with pytest.raises(DamagedBackupError, match=told):
        prune(place, TWO)

    assert len(place.names()) == 3
    assert stored(place) == {b"oldest", b"odd"}


@pytest.mark.django_db
def test_nothing_is_removed_where_no_back_up_is_whole(place: BackupPlace) -> None:
    for name in (lay(place, days_ago=1), lay(place, days_ago=0)):
        (place.root / name / SQLITE_FILE).write_bytes(b"SQLite")

    with pytest.raises(BackupError, match="None of the 2 back-ups"):
        prune(place, ONE)

    assert len(place.names()) == 2


@pytest.mark.django_db
def test_one_that_was_broken_off_leaves_no_half_back_up_and_goes_on(
    place: BackupPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(place, days_ago=9, contents=[b"old"])
    new = lay(place, days_ago=0)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda path: (_ for _ in ()).throw(OSError(f"{path} is held")))
        with pytest.raises(BackupError, match="begin again"):
            prune(place, ONE)
    assert place.names() == [new]

    done = prune(place, ONE)

    assert (len(done.broken_off), done.files, stored(place)) == (1, 1, set())


@pytest.mark.django_db
def test_nothing_is_removed_while_a_back_up_is_read_and_none_is_read_meanwhile(place: BackupPlace) -> None:
    lay(place, days_ago=0)
    prune(place, ONE)  # makes the lock

    with place.reading(), pytest.raises(BackupError, match="at work"):
        prune(place, ONE)
    with place.locked(), pytest.raises(BackupError, match="at work"):
        verify_backup(place=place)
    with place.reading():
        assert verify_backup(place=place).problems == []


@pytest.mark.django_db(transaction=True)
def test_real_back_ups_are_thinned_by_command(runs_factory: RunsFactory, place: BackupPlace) -> None:
    claim = runs_factory.claimed()
    runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"gone before the second")
    create_backup(place=place, actor="command")
    Artifact.objects.all().delete()
    Blob.objects.all().delete()
    runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"of the second")
    second = create_backup(place=place, actor="command").folder.name
    out, rules = StringIO(), ("--keep-last", "0", "--keep-daily", "1", "--json")

    call_command("backup", "prune", str(place.root), *rules, stdout=out)

    told = json.loads(out.getvalue())
    assert (place.names(), list(told["kept"]), told["files"]) == ([second], [second], 1)
    assert verify_backup(place=place).problems == []
