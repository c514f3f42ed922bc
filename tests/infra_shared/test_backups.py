"""Back-ups: made while the system works, told whole or damaged, and restored into an empty place that then works."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from infra_shared.backups import creating
from infra_shared.backups.creating import Created, create_backup
from infra_shared.backups.errors import BackupError, RestoreRefusedError
from infra_shared.backups.manifest import read_manifest
from infra_shared.backups.place import BackupPlace
from infra_shared.backups.restoring import RestoreOrder, restore_backup
from infra_shared.backups.snapshot import take_snapshot
from infra_shared.backups.verifying import verify_backup
from infra_shared.blobs.django_store import artifact_store
from infra_shared.crypto import key_fingerprints
from infra_shared.models import AuditLine, Blob
from runs.models import Artifact, Run
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.elsewhere import Elsewhere
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(tmp_path: Path) -> BackupPlace:
    """A folder for back-ups that is not there yet."""
    return BackupPlace(tmp_path / "backups")


def back_up(place: BackupPlace) -> Created:
    """A back-up of what there is now."""
    return create_backup(place=place, actor="command")


def picture_of(run: Run) -> Artifact:
    """One picture of a run."""
    found = Artifact.objects.filter(run=run, kind=ArtifactKind.STEP_PICTURE).select_related("blob").first()
    assert found is not None
    return found


@pytest.mark.timeout(180)  # two processes that start from nothing, on a machine that may be busy
def test_a_back_up_restored_into_an_empty_place_shows_the_run_and_its_picture(
    runs_factory: RunsFactory, place: BackupPlace, elsewhere: Elsewhere
) -> None:
    run = runs_factory.succeeded()
    picture = picture_of(run)
    page, bytes_path = f"/admin/runs/run/{run.pk}/change/", f"/admin/artifacts/{picture.pk}/"
    back_up(place)

    done = elsewhere.told("backup", "restore", place.root)
    seen = elsewhere.look(page, bytes_path)

    assert (done["missing"], done["unreadable"]) == ([], 0)
    assert done["copied"] == Blob.objects.count()
    assert seen[page]["status"] == 200
    assert "Download “Download CSV”" in seen[page]["text"]
    assert seen[bytes_path]["sha256"] == picture.blob_id


def test_a_restore_over_anything_is_refused(place: BackupPlace) -> None:
    back_up(place)

    with pytest.raises(RestoreRefusedError, match="tables already"):
        restore_backup(place=place, order=RestoreOrder(), actor="command")


def test_what_is_written_while_a_back_up_is_made_is_in_it_whole_or_not_at_all(
    runs_factory: RunsFactory, place: BackupPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = picture_of(runs_factory.succeeded())
    assert first.blob is not None

    def meanwhile(folder: Path, **options: Any) -> Any:
        runs_factory.succeeded()
        snapshot = take_snapshot(folder, **options)
        artifact_store().delete(first.blob)  # type: ignore[arg-type]  # looked at above
        return snapshot

    monkeypatch.setattr(creating, "take_snapshot", meanwhile)
    made = back_up(place)

    assert made.missing == []
    assert verify_backup(place=place).problems == []
    assert read_manifest(made.folder).rows["runs_run"] == 2
    assert place.held(str(first.blob_id), first.blob.size_bytes) is not None


def test_a_second_back_up_copies_only_what_is_new(runs_factory: RunsFactory, place: BackupPlace) -> None:
    claim = runs_factory.claimed()
    runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"first")
    first = back_up(place)
    runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"second")

    second = back_up(place)

    assert (first.copied, second.copied, second.blobs) == (1, 1, 2)
    assert len(place.names()) == 2


def test_bytes_the_store_has_lost_are_named_and_all_the_rest_is_backed_up(
    runs_factory: RunsFactory, place: BackupPlace
) -> None:
    claim = runs_factory.claimed()
    lost = runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"lost")
    runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"kept")
    assert lost.blob is not None
    artifact_store().delete(lost.blob)

    out = StringIO()
    with pytest.raises(CommandError, match=str(lost.blob_id)) as refusal:
        call_command("backup", "create", str(place.root), "--json", stdout=out)

    assert refusal.value.returncode == 3
    assert json.loads(out.getvalue())["copied"] == 1
    assert verify_backup(place=place).manifest.blobs.missing == (lost.blob_id,)


def test_files_the_store_has_lost_come_back_from_a_back_up(
    runs_factory: RunsFactory, place: BackupPlace
) -> None:
    claim = runs_factory.claimed()
    lost = runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"lost")
    back_up(place)
    late = runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"made after it")
    assert lost.blob is not None
    assert late.blob is not None
    artifact_store().delete(lost.blob)
    artifact_store().delete(late.blob)

    with pytest.raises(CommandError, match=str(late.blob_id)) as refusal:
        call_command("backup", "refill", str(place.root), stdout=StringIO())

    assert refusal.value.returncode == 3
    with artifact_store().open(lost.blob) as reader:
        assert reader.read(100) == b"lost"


@pytest.mark.parametrize("what", ["dump", "blob", "list"])
def test_a_back_up_that_was_altered_is_found_out(
    what: str, runs_factory: RunsFactory, place: BackupPlace
) -> None:
    kept = runs_factory.keep(runs_factory.claimed(), ArtifactKind.DOWNLOAD, "text/plain", b"kept whole")
    made = back_up(place)
    names = {"blob": f"blobs/**/{kept.blob_id}*", "dump": "*/database.*", "list": "*/blobs.list"}
    (victim,) = place.root.glob(names[what])
    victim.write_bytes(victim.read_bytes()[:-7])

    with pytest.raises(CommandError, match="is not whole: 1 problem"):
        call_command("backup", "verify", str(place.root), stderr=StringIO())

    assert made.folder.name in place.names()


def test_a_restore_without_the_keys_is_told_before_it_starts(place: BackupPlace, settings: Any) -> None:
    back_up(place)
    needed = key_fingerprints()[0]
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(RestoreRefusedError, match=needed):
        restore_backup(place=place, order=RestoreOrder(), actor="command")

    # Whoever knows that they are lost gets as far as the next refusal.
    with pytest.raises(RestoreRefusedError, match="tables already"):
        restore_backup(place=place, order=RestoreOrder(without_keys=True), actor="command")


def test_no_key_and_no_half_back_up_is_left_behind(
    place: BackupPlace, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(place)
    written = b"".join(path.read_bytes() for path in place.root.rglob("*") if path.is_file())

    def breaks(*_: object, **__: object) -> None:
        raise BackupError("The disk is full.")

    monkeypatch.setattr(creating, "write_manifest", breaks)
    with pytest.raises(BackupError):
        back_up(place)

    assert all(key.encode() not in written for key in settings.FIELD_ENCRYPTION_KEYS)
    assert [path.name for path in place.root.iterdir() if path.suffix == ".partial"] == []
    assert place.names() == [made.folder.name]
    assert AuditLine.objects.filter(action="backup.create").count() == 1


def test_a_second_command_waits_for_nobody_and_says_so(place: BackupPlace) -> None:
    with place.locked(), pytest.raises(BackupError, match="at work"):
        back_up(place)


def test_the_store_itself_is_no_place_for_back_ups(settings: Any) -> None:
    with pytest.raises(BackupError, match="another folder"):
        back_up(BackupPlace(settings.ARTIFACTS_DIR / "backups"))


def test_a_missing_client_of_postgresql_says_what_to_install(place: BackupPlace, tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("about PostgreSQL alone")

    with pytest.raises(BackupError, match="apt-get install postgresql-client"):
        create_backup(place=place, actor="command", pg_bin=tmp_path)


def test_a_back_up_of_a_newer_release_is_refused(place: BackupPlace) -> None:
    path = back_up(place).folder / "manifest.json"
    about = json.loads(path.read_text())
    about["migrations"]["runs"].append("9999_from_the_future")
    path.write_text(json.dumps(about))

    with pytest.raises(RestoreRefusedError, match="9999_from_the_future"):
        restore_backup(place=place, order=RestoreOrder(), actor="command")
