"""Looking through a store for bytes nothing refers to, whoever keeps them."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber
from django.core.files.storage import InMemoryStorage
from storages.backends.s3 import S3Storage  # type: ignore[import-untyped]  # it has no stubs

from infra_shared.blobs.django_store import DjangoBlobStore
from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.blobs.protocol import INCOMING, BlobStorageError, stored_name
from infra_shared.blobs.s3_store import S3BlobStore
from infra_shared.clock import utc_now

if TYPE_CHECKING:
    from infra_shared.blobs.protocol import SweepableBlobStore

SOON = utc_now() + timedelta(hours=1)
LONG_AGO = utc_now() - timedelta(days=9)


class ObjectStore(InMemoryStorage):
    """A storage that overwrites, as an object store does, and remembers when each object was put."""

    def __init__(self) -> None:
        super().__init__()
        self.put_at: dict[str, datetime] = {}

    def save(self, name: Any, content: Any, max_length: int | None = None) -> str:
        self.delete(name)
        self.put_at[name] = utc_now()
        return super().save(name, content, max_length)

    def get_modified_time(self, name: str) -> datetime:
        return self.put_at[name]


@pytest.fixture(params=["file", "django"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SweepableBlobStore:
    """Each implementation in turn."""
    return FileBlobStore(tmp_path) if request.param == "file" else DjangoBlobStore(ObjectStore())


def test_the_files_of_a_shelf_are_told_with_their_length_and_age(store: SweepableBlobStore) -> None:
    info = store.put(b"<p>page</p>" * 100, text=True)
    name = stored_name(info.digest, info.encoding)

    [file] = store.files(info.digest[:2])

    assert (file.name, file.stored_bytes) == (name, info.stored_bytes)
    assert timedelta(0) <= utc_now() - file.put_at < timedelta(minutes=1)
    other = "00" if info.digest[:2] != "00" else "01"
    assert list(store.files(other)) == []


def test_a_file_put_since_then_is_not_removed(store: SweepableBlobStore) -> None:
    info = store.put(b"wanted", text=False)
    name = stored_name(info.digest, info.encoding)

    assert not store.remove_unwanted(name, before=LONG_AGO)
    assert store.exists(info)
    assert store.remove_unwanted(name, before=SOON)
    assert not store.exists(info)
    assert not store.remove_unwanted(name, before=SOON)
    assert list(store.files(INCOMING)) == []


def test_a_file_put_again_in_the_very_moment_it_is_swept_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileBlobStore(tmp_path)
    info = store.put(b"the logo", text=False)
    place, move = tmp_path / stored_name(info.digest, info.encoding), Path.replace
    os.utime(place, (0, 0))

    def put_first(path: Path, target: Path) -> Path:
        store.put(b"the logo", text=False)
        return move(path, target)

    monkeypatch.setattr(Path, "replace", put_first)

    assert not store.remove_unwanted(stored_name(info.digest, info.encoding), before=LONG_AGO)
    assert place.read_bytes() == b"the logo"
    assert list(store.files(INCOMING)) == []


def test_content_an_object_store_has_for_long_is_put_anew_so_that_it_is_young() -> None:
    storage = ObjectStore()
    store = DjangoBlobStore(storage)
    info = store.put(b"the logo", text=False)
    name = stored_name(info.digest, info.encoding)
    storage.put_at[name] = LONG_AGO

    assert store.put(b"the logo", text=False) == info

    assert not store.remove_unwanted(name, before=utc_now() - timedelta(hours=1))


def test_content_is_put_anew_long_before_the_shortest_grace_is_over(settings: Any) -> None:
    settings.ORPHAN_GRACE = timedelta(hours=1)
    storage = ObjectStore()
    store = DjangoBlobStore(storage)
    info = store.put(b"the logo", text=False)
    name = stored_name(info.digest, info.encoding)
    storage.put_at[name] = utc_now() - timedelta(minutes=59)

    store.put(b"the logo", text=False)

    assert not store.remove_unwanted(name, before=utc_now() - settings.ORPHAN_GRACE / 2)


def _bucket() -> tuple[S3BlobStore, Stubber]:
    keys = {"access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}
    storage = S3Storage(bucket_name="evidence", location="runs/", endpoint_url="http://127.0.0.1:1", **keys)
    store = S3BlobStore(storage)
    return store, Stubber(store._client)


def test_a_bucket_is_listed_by_prefix_page_by_page() -> None:
    store, answers = _bucket()
    asked = {"Bucket": "evidence", "Prefix": "runs/3f/"}
    first = {"Key": "runs/3f/aa/3faa", "Size": 5, "LastModified": LONG_AGO}
    second = {"Key": "runs/3f/bb/3fbb.zst", "Size": 7, "LastModified": LONG_AGO}
    page = {"IsTruncated": True, "NextContinuationToken": "on", "Contents": [first]}
    answers.add_response("list_objects_v2", page, asked)
    answers.add_response("list_objects_v2", {"Contents": [second]}, {**asked, "ContinuationToken": "on"})

    with answers:
        found = list(store.files("3f"))

    assert [(file.name, file.stored_bytes) for file in found] == [("3f/aa/3faa", 5), ("3f/bb/3fbb.zst", 7)]
    answers.assert_no_pending_responses()


def test_a_bucket_that_refuses_to_be_listed_is_a_storage_error() -> None:
    store, answers = _bucket()
    answers.add_client_error("list_objects_v2", "AccessDenied")

    with answers, pytest.raises(BlobStorageError, match="AccessDenied"):
        list(store.files("3f"))
