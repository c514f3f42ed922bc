"""Each check of the shared layer, on what is really broken."""

from __future__ import annotations

import shutil
import ssl
from typing import TYPE_CHECKING

import pytest
import time_machine
import trustme
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler

from config.local.processes import free_port
from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.checkup import Level
from infra_shared.clock import utc_now
from infra_shared.doctor import clocks, database, disk, mail, migrations, storage
from infra_shared.ids import uuid7
from infra_shared.services.spools import spool_folder
from tests.support.mail_relay import PASSWORD, USER, Relay, started_relay
from tests.support.s3_door import Door, opened_door

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra_shared.checkup import Finding


def worst(findings: Iterable[Finding]) -> Finding:
    """The most serious one."""
    order = list(Level)
    return max(findings, key=lambda finding: order.index(finding.level))


@pytest.fixture
def door() -> Iterator[Door]:
    yield from opened_door()


@pytest.fixture
def relay(settings) -> Iterator[Relay]:
    yield from started_relay(settings)


@pytest.fixture
def demanding(settings, tmp_path, monkeypatch) -> Iterator[Relay]:
    """A mail server that demands STARTTLS and a sign-in."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = True, USER, PASSWORD
    yield from started_relay(settings, tls=context)


def test_database_says_what_it_is(db) -> None:
    first, *others = database.look()

    assert first.words.startswith(f"{connection.display_name} ")
    # The tests' own PostgreSQL keeps nothing through a power cut, on purpose, and is told so.
    promised = (
        {"fsync", "full_page_writes", "synchronous_commit"} if connection.vendor == "postgresql" else set()
    )
    assert {finding.words.split()[0] for finding in others} == promised


def test_database_without_a_write_ahead_log_fails(tmp_path, django_db_blocker) -> None:
    entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "alone.sqlite3")}
    alone = ConnectionHandler({"default": entry})["default"]

    with django_db_blocker.unblock():
        found = list(database.journal(alone))
        alone.close()

    assert "journal mode is delete" in worst(found).words


def test_clock_that_is_ten_minutes_off_fails(db) -> None:
    with time_machine.travel(utc_now().timestamp() + 600, tick=True):
        (finding,) = clocks.look()

    assert finding.level is Level.FAIL
    assert "s ahead of the database's" in finding.words


def test_clock_that_is_right_is_well(db) -> None:
    (finding,) = clocks.look()

    assert finding.level is Level.OK


def test_migrations_that_are_all_applied_are_well_with_those_they_stand_for(db) -> None:
    (finding,) = migrations.look()

    assert finding.level is Level.OK, finding.words


def test_migration_that_is_not_applied_fails_and_is_named(db) -> None:
    loader = MigrationLoader(connection)
    ((app, newest),) = loader.graph.leaf_nodes("runs")
    for gone in ((app, newest), *loader.disk_migrations[app, newest].replaces):
        MigrationRecorder(connection).record_unapplied(*gone)

    (finding,) = migrations.look()

    assert finding.level is Level.FAIL
    assert f"runs.{newest}" in finding.words


def test_migration_of_newer_code_is_odd(db) -> None:
    MigrationRecorder(connection).record_applied("runs", "9999_of_tomorrow")

    (finding,) = migrations.look()

    assert finding.level is Level.WARN
    assert "runs.9999_of_tomorrow" in finding.words


def test_storage_in_a_folder_is_tried_out_and_left_as_it_was(db, settings) -> None:
    (finding,) = storage.look()

    assert finding.level is Level.OK
    assert not [path for path in settings.ARTIFACTS_DIR.rglob("*") if path.is_file()]


def test_storage_that_gives_other_bytes_than_it_took_fails(db, monkeypatch, tmp_path) -> None:
    class FromItsBeginning(FileBlobStore):
        """A store behind a gateway that knows no ranges."""

        def open(self, blob, *, start=0, length=None):
            return super().open(blob, length=length)

    monkeypatch.setattr(storage, "artifact_store", lambda: FromItsBeginning(tmp_path))

    (finding,) = storage.look()

    assert finding.level is Level.FAIL
    assert "not what was stored" in finding.words


def test_storage_whose_folder_is_none_fails(db, settings) -> None:
    shutil.rmtree(settings.ARTIFACTS_DIR, ignore_errors=True)
    settings.ARTIFACTS_DIR.write_text("a file")

    (finding,) = storage.look()

    assert finding.level is Level.FAIL
    assert "DATA_DIR" in finding.advice


def test_storage_of_another_user_is_left_alone_by_root(db, settings, monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(storage, "_owner", lambda: 4711)

    (finding,) = storage.look()

    assert finding.level is Level.WARN
    assert "not tried out" in finding.words
    assert not settings.ARTIFACTS_DIR.exists()


def test_storage_that_files_wait_for_is_odd(db, settings, tmp_path) -> None:
    settings.ARTIFACTS_SPOOL_DIR = tmp_path / "spool"
    folder = spool_folder()
    assert folder is not None
    folder.keep(uuid7(), b"seen while it was away", text=False, facts={})

    assert "1 files" in worst(storage.look()).words


def test_storage_in_a_bucket_goes_round(settings, door) -> None:
    settings.STORAGES = {**settings.STORAGES, "artifacts": door.storage()}

    (finding,) = storage.look()

    assert (finding.level, "bucket evidence" in finding.words) == (Level.OK, True), finding.words
    assert door.objects == {}


def test_storage_with_a_wrong_key_fails_in_words(settings, door) -> None:
    settings.STORAGES = {**settings.STORAGES, "artifacts": door.storage(access_key="AKIDWRONG")}

    (finding,) = storage.look()

    assert finding.level is Level.FAIL
    assert "ARTIFACTS_S3_ACCESS_KEY" in finding.advice


def test_disk_that_is_nearly_full_fails(monkeypatch) -> None:
    monkeypatch.setattr(disk, "FULL_BYTES", 10**18)

    assert worst(disk.look()).level is Level.FAIL


def test_disk_whose_inodes_run_out_is_odd(monkeypatch) -> None:
    monkeypatch.setattr(disk, "FULL_BYTES", 0)
    monkeypatch.setattr(disk, "LOW_BYTES", 0)
    monkeypatch.setattr(disk, "LOW_INODES", 1.0)

    finding = worst(disk.look())

    assert finding.level is Level.WARN
    assert "inodes" in finding.words


def test_disk_folder_that_cannot_be_written_to_fails(settings, tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.DATA_DIR = tmp_path / "file" / "data"

    found = {finding.level: finding.words for finding in disk.look()}

    assert str(settings.DATA_DIR) in found[Level.FAIL]


def test_mail_server_is_asked_and_gets_nothing(demanding) -> None:
    (finding,) = mail.look()

    assert finding.level is Level.OK, finding.words
    assert demanding.mails == []


def test_mail_with_a_wrong_password_fails_in_the_servers_words(demanding, settings) -> None:
    settings.EMAIL_HOST_PASSWORD = "wrong"

    (finding,) = mail.look()

    assert finding.level is Level.FAIL
    assert "535" in finding.words


def test_mail_server_that_nobody_runs_fails(settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    (finding,) = mail.look()

    assert finding.level is Level.FAIL
    assert "Connection refused" in finding.words


def test_mail_that_is_kept_here_is_odd() -> None:
    (finding,) = mail.look()

    assert finding.level is Level.WARN


def test_mail_is_sent_when_somebody_asks_for_it(relay) -> None:
    (finding,) = mail.send_one("anna@example.org")

    assert finding.level is Level.OK
    assert relay.recipients == [["anna@example.org"]]


def test_mail_that_is_refused_fails(relay) -> None:
    relay.answers.append("550 Not from here")

    (finding,) = mail.send_one("anna@example.org")

    assert finding.level is Level.FAIL
    assert "550 Not from here" in finding.words
