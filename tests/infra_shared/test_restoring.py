"""What a restore refuses before it writes, and what it finds out afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from infra_shared.backups import restoring
from infra_shared.backups.creating import Created, create_backup
from infra_shared.backups.errors import BackupError, DamagedBackupError, RestoreRefusedError
from infra_shared.backups.place import BackupPlace
from infra_shared.backups.restoring import RestoreOrder, restore_backup
from infra_shared.blobs.django_store import artifact_store
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(tmp_path: Path) -> BackupPlace:
    """A folder for back-ups that is not there yet."""
    return BackupPlace(tmp_path / "backups")


def back_up(place: BackupPlace) -> Created:
    """A back-up of what there is now."""
    return create_backup(place=place, actor="command")


def test_a_restore_into_a_store_that_holds_files_is_refused(
    place: BackupPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(place)
    artifact_store().put(b"somebody's", text=False)
    monkeypatch.setattr(connection.introspection, "table_names", list)

    with pytest.raises(RestoreRefusedError, match="--reuse-blobs"):
        restore_backup(place=place, order=RestoreOrder(), actor="command")


@pytest.mark.parametrize("what", ["*/database.*", "*/blobs.list"])
def test_a_restore_from_a_back_up_that_was_altered_is_refused(
    what: str, runs_factory: RunsFactory, place: BackupPlace
) -> None:
    runs_factory.keep(runs_factory.claimed(), ArtifactKind.DOWNLOAD, "text/plain", b"kept whole")
    back_up(place)
    (victim,) = place.root.glob(what)
    victim.write_bytes(victim.read_bytes()[:-7])

    with pytest.raises(DamagedBackupError, match="altered"):
        restore_backup(place=place, order=RestoreOrder(), actor="command")


def test_a_restored_database_that_lacks_rows_is_told(
    runs_factory: RunsFactory, place: BackupPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs_factory.requested()
    manifest = back_up(place).folder / "manifest.json"
    about = json.loads(manifest.read_text())
    about["rows"] = {"runs_run": 2}
    manifest.write_text(json.dumps(about))
    monkeypatch.setattr(connection.introspection, "table_names", list)
    monkeypatch.setattr(restoring, "_load", lambda *_: None)  # what is there stands for what was loaded

    with pytest.raises(BackupError, match="runs_run has 1 rows after restoring and had 2"):
        restore_backup(place=place, order=RestoreOrder(), actor="command")
