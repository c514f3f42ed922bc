"""Every blob store keeps the same promises: a folder, one of Django's storages, and a bucket of a real object store."""

from __future__ import annotations

import copy
import errno
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import RLock

import pytest
import zstandard
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from infra_shared.blobs.django_store import DjangoBlobStore, artifact_store
from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.blobs.protocol import (
    BlobDamagedError,
    BlobInfo,
    BlobNotFoundError,
    BlobStorageError,
    stored_name,
)
from infra_shared.blobs.s3_store import S3BlobStore
from infra_shared.ids import random_token
from tests.support.object_store import new_bucket, store_of

PAGE = "<p>Grüße, 7 invoices</p>\n".encode() * 40_000  # about 1 MB
NOISE = os.urandom(700_000)


def _read(store, info, **part) -> bytes:
    with store.open(info, **part) as reader:
        return b"".join(iter(lambda: reader.read(100_000), b""))


class ObjectStore(InMemoryStorage):
    """A storage whose `save` is all or nothing, as an object store's is."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = RLock()

    def save(self, name, content, max_length=None) -> str:
        with self._lock:
            return super().save(name, content, max_length)

    def exists(self, name) -> bool:
        with self._lock:
            return super().exists(name)


@pytest.fixture(scope="module")
def bucket(object_store):
    """A bucket of the real object store; each test has a folder of its own in it."""
    return store_of(object_store, new_bucket(object_store))


@pytest.fixture(params=["file", "django", "s3"])
def store(request, tmp_path):
    """Each implementation in turn."""
    if request.param == "file":
        return FileBlobStore(tmp_path)
    if request.param == "django":
        return DjangoBlobStore(ObjectStore())
    store = copy.copy(request.getfixturevalue("bucket"))
    store._root = f"{random_token(8)}/"
    return store


def _overwrite(store, info, body: bytes) -> None:
    """Exchange the stored bytes of a blob, as decay or a hand would."""
    name = stored_name(info.digest, info.encoding)
    if isinstance(store, FileBlobStore):
        (store._root / name).write_bytes(body)
    elif isinstance(store, S3BlobStore):
        store._client.put_object(Bucket=store._bucket, Key=store._root + name, Body=body)
    else:
        store._storage.delete(name)
        store._storage.save(name, ContentFile(body))


class TestEveryBlobStore:
    def test_a_text_is_stored_compressed_and_read_plain(self, store):
        info = store.put(PAGE, text=True)

        assert info.digest == hashlib.sha256(PAGE).hexdigest()
        assert info.encoding == "zstd"
        assert info.size_bytes == len(PAGE)
        assert info.stored_bytes < len(PAGE) / 20
        assert _read(store, info) == PAGE

    def test_other_bytes_are_stored_as_they_are(self, store):
        info = store.put(NOISE, text=False)

        assert (info.encoding, info.size_bytes, info.stored_bytes) == ("", 700_000, 700_000)
        assert _read(store, info) == NOISE

    def test_a_file_is_stored_like_its_bytes(self, store, tmp_path):
        path = tmp_path / "download.csv"
        path.write_bytes(PAGE)

        assert store.put(path, text=True) == store.put(PAGE, text=True)

    @pytest.mark.parametrize("text", [True, False])
    def test_a_part_is_read_from_its_offset_and_no_further_than_asked(self, store, text):
        info = store.put(PAGE, text=text)

        assert _read(store, info, start=500_003, length=7) == PAGE[500_003:500_010]
        assert _read(store, info, start=len(PAGE) - 3) == PAGE[-3:]
        assert _read(store, info, start=len(PAGE) + 5) == b""

    def test_the_same_content_is_stored_once_in_whichever_encoding_came_first(self, store):
        first = store.put(PAGE, text=False)

        assert store.put(PAGE, text=True) == first

    def test_writers_of_the_same_content_at_once_all_succeed(self, store):
        with ThreadPoolExecutor(4) as pool:
            infos = list(pool.map(lambda _: store.put(NOISE, text=False), range(4)))

        assert len(set(infos)) == 1
        assert _read(store, infos[0]) == NOISE

    def test_empty_bytes_are_a_content_too(self, store):
        info = store.put(b"", text=True)

        assert info.size_bytes == 0
        assert _read(store, info) == b""

    def test_a_deleted_blob_is_gone_and_deleting_it_again_is_no_error(self, store):
        info = store.put(b"short-lived", text=False)

        store.delete(info)
        store.delete(info)

        assert not store.exists(info)
        with pytest.raises(BlobNotFoundError):
            store.open(info)

    @pytest.mark.parametrize("text", [True, False])
    def test_bytes_whose_sha_256_is_another_are_an_error_before_the_last_of_them_is_given(self, store, text):
        info, other = store.put(NOISE, text=text), store.put(NOISE[::-1], text=text)
        with store.open(other) as reader:
            damaged = NOISE[::-1] if not text else zstandard.compress(reader.read(len(NOISE)))
        _overwrite(store, info, damaged)

        given = bytearray()

        def read_all() -> None:
            with store.open(info) as reader:
                while piece := reader.read(100_000):
                    given.extend(piece)

        with pytest.raises(BlobDamagedError, match="SHA-256"):
            read_all()

        assert len(given) < len(NOISE)

    @pytest.mark.parametrize("text", [True, False])
    def test_bytes_that_were_cut_off_are_an_error(self, store, text):
        info = store.put(NOISE, text=text)
        _overwrite(store, info, zstandard.compress(NOISE)[:500_000] if text else NOISE[:500_000])

        with pytest.raises(BlobDamagedError):
            _read(store, info)
        with pytest.raises(BlobStorageError):
            _read(store, info, start=499_999, length=10)

    def test_bytes_that_grew_are_an_error(self, store):
        info = store.put(NOISE, text=False)
        _overwrite(store, info, NOISE + b"more")

        with pytest.raises(BlobDamagedError, match="more than were put"):
            _read(store, info)

    def test_content_that_was_cut_off_is_put_anew_when_it_comes_again(self, store):
        info = store.put(NOISE, text=False)
        _overwrite(store, info, NOISE[:-1])

        store.put(NOISE, text=False)

        assert _read(store, info) == NOISE

    def test_a_part_of_a_blob_that_is_not_there_is_missing_too(self, store):
        gone = BlobInfo("0" * 64, 5, 5, "")

        for start in (0, 2, 9):
            with pytest.raises(BlobNotFoundError):
                store.open(gone, start=start)

    def test_a_blob_that_was_put_exists(self, store):
        assert store.exists(store.put(b"here", text=True))


def test_a_damaged_compressed_blob_is_reported_and_never_read_as_something_else(tmp_path):
    store = FileBlobStore(tmp_path)
    info = store.put(NOISE, text=True)
    place = tmp_path / stored_name(info.digest, info.encoding)
    damaged = bytearray(place.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    place.write_bytes(damaged)

    with pytest.raises(BlobStorageError, match="damaged"):
        _read(store, info)


def test_a_full_disk_leaves_nothing_behind_and_says_so(tmp_path, monkeypatch):
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(BlobStorageError, match="the disk is full"):
        FileBlobStore(tmp_path).put(NOISE, text=False)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "blobs").write_text("a file where the folder should be")

    with pytest.raises(BlobStorageError):
        FileBlobStore(tmp_path / "blobs").put(b"x", text=False)


def test_storing_again_renews_the_age_a_sweeper_goes_by(tmp_path):
    store = FileBlobStore(tmp_path)
    info = store.put(b"again", text=False)
    place = tmp_path / stored_name(info.digest, info.encoding)
    os.utime(place, (0, 0))

    store.put(b"again", text=False)

    assert place.stat().st_mtime > 0


def test_an_outage_of_any_storage_is_a_storage_error_with_a_reason():
    class Unreachable(InMemoryStorage):
        def exists(self, name: str) -> bool:
            raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))

    with pytest.raises(BlobStorageError, match=r"could not be stored: .+") as raised:
        DjangoBlobStore(Unreachable()).put(b"x", text=False)

    assert raised.value.reason


def test_a_local_artifact_storage_is_served_by_the_durable_file_store(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "artifacts": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }

    store = artifact_store()

    assert isinstance(store, FileBlobStore)
    info = store.put(PAGE, text=True)
    assert _read(DjangoBlobStore(FileSystemStorage(tmp_path)), info) == PAGE


def test_the_file_store_works_where_django_is_not_installed():
    code = (
        "import sys; sys.modules['django'] = None; "
        "import infra_shared.blobs.file_store, infra_shared.http.blob_stream, infra_shared.redaction, "
        "infra_shared.clock, infra_shared.ids, infra_shared.scrubbing, infra_shared.logging"
    )

    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_blob_is_described_by_the_names_the_row_has_too():
    assert set(BlobInfo.__dataclass_fields__) == {
        "digest",
        "size_bytes",
        "stored_bytes",
        "encoding",
    }
