"""The bucket of a real object store: what is sent, and what is told when it refuses, is away, slow, or breaks off."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from infra_shared.blobs.protocol import INCOMING, BlobNotFoundError, BlobStorageError
from infra_shared.clock import monotonic
from infra_shared.http.blob_stream import stream_blob
from tests.support.object_store import KEY, SECRET, BadLine, ObjectStoreServer, new_bucket, store_of
from tests.support.tls_door import TlsDoor, tls_door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra_shared.blobs.protocol import BlobReader
    from infra_shared.blobs.s3_store import S3BlobStore

NOISE = os.urandom(2_000_000)


@pytest.fixture(scope="module")
def bucket(object_store: str) -> str:
    return new_bucket(object_store)


@pytest.fixture
def through(bad_line: BadLine, bucket: str) -> S3BlobStore:
    """The bucket's store, by way of the relay."""
    return store_of(bad_line.url, bucket, read_seconds=1)


def _all_of(reader: BlobReader) -> bytes:
    with reader:
        return b"".join(iter(lambda: reader.read(100_000), b""))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"secret_key": "wrong"}, "refuses the keys"),
        ({"access_key": "tests:nobody"}, "refuses the keys"),
        ({"bucket": "no-such-bucket"}, "ARTIFACTS_S3_BUCKET"),
        ({"encryption": "aws:kms"}, "ARTIFACTS_S3_ENCRYPTION"),
    ],
)
def test_what_the_object_store_refuses_is_told_with_the_setting_to_look_at(
    object_store: str, bucket: str, changes: dict[str, str], told: str
) -> None:
    store = store_of(object_store, **{"bucket": bucket} | changes)

    with pytest.raises(BlobStorageError, match=told) as raised:
        store.put(os.urandom(10), text=False)

    assert SECRET not in raised.value.reason
    assert KEY not in raised.value.reason


def test_wrong_keys_are_told_for_reading_looking_listing_and_removing_too(
    object_store: str, bucket: str
) -> None:
    info = store_of(object_store, bucket).put(b"x", text=False)
    store = store_of(object_store, bucket, secret_key="wrong")
    asked: list[Callable[[], Any]] = [
        lambda: store.open(info),
        lambda: store.exists(info),
        lambda: store.delete(info),
        lambda: list(store.files("00")),
    ]

    for ask in asked:
        with pytest.raises(BlobStorageError, match="refuses the keys"):
            ask()


def test_no_keys_and_no_role_are_told(object_store: str, bucket: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(BlobStorageError, match="give this machine a role"):
        store_of(object_store, bucket, access_key="", secret_key="").put(b"x", text=False)


def test_keys_of_the_machines_role_are_found_where_none_are_set(
    object_store: str, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    store = store_of(object_store, bucket, access_key="", secret_key="")

    assert store.exists(store.put(b"by the role", text=False))


def test_a_missing_bucket_is_never_taken_for_a_missing_blob(object_store: str, bucket: str) -> None:
    info = store_of(object_store, bucket).put(b"x", text=False)

    with pytest.raises(BlobStorageError, match="no such bucket"):
        store_of(object_store, "no-such-bucket").open(info)


def test_encryption_is_asked_for_with_each_object(object_store: str, bucket: str) -> None:
    store = store_of(object_store, bucket, encryption="aws:kms", kms_key="key-1")
    sent: dict[str, str] = {}
    store._client.meta.events.register(
        "before-send.s3.PutObject", lambda request, **_: sent.update(request.headers)
    )

    with pytest.raises(BlobStorageError):  # this server knows no encryption
        store.put(os.urandom(10), text=False)

    assert sent["x-amz-server-side-encryption"] in ("aws:kms", b"aws:kms")
    assert sent["x-amz-server-side-encryption-aws-kms-key-id"] in ("key-1", b"key-1")


def test_each_body_is_signed_by_its_sha_256(object_store: str, bucket: str) -> None:
    store, sent = store_of(object_store, bucket), {}
    store._client.meta.events.register(
        "before-send.s3.PutObject", lambda request, **_: sent.update(request.headers)
    )
    body = os.urandom(1_000)

    store.put(body, text=False)

    assert sent["X-Amz-Content-SHA256"] in (digest := hashlib.sha256(body).hexdigest(), digest.encode())


def test_bytes_altered_on_their_way_are_refused_by_the_server(object_store: str, bucket: str) -> None:
    store = store_of(object_store, bucket)

    def alter(request: Any, **_: Any) -> None:
        request.body = b"altered on its way  "

    store._client.meta.events.register("before-send.s3.PutObject", alter)

    with pytest.raises(BlobStorageError, match="could not be stored"):
        store.put(b"as it was put before", text=False)


def test_a_part_of_a_plain_blob_is_asked_of_the_server_and_nothing_else_is_sent(
    object_store: str, bucket: str
) -> None:
    store, asked = store_of(object_store, bucket), []
    info = store.put(NOISE, text=False)
    store._client.meta.events.register(
        "after-call.s3.GetObject", lambda parsed, **_: asked.append(parsed["ContentLength"])
    )

    part = _all_of(store.open(info, start=1_000_000, length=7))

    assert part == NOISE[1_000_000:1_000_007]
    assert asked == [7]


def test_a_server_that_ignores_the_range_is_an_error_and_its_other_bytes_are_not_taken(
    object_store: str, bucket: str
) -> None:
    store = store_of(object_store, bucket)
    info = store.put(NOISE, text=False)

    def forget_range(request: Any, **_: Any) -> None:
        del request.headers["Range"]

    store._client.meta.events.register("before-sign.s3.GetObject", forget_range)

    with pytest.raises(BlobStorageError, match="gives no part"):
        store.open(info, start=1_000, length=10)


async def _streamed(store: S3BlobStore, info: Any, wanted: str) -> tuple[int, bytes]:
    answer = await stream_blob(store, info, range_header=wanted)
    return answer.status, b"".join([piece async for piece in answer.body])


@pytest.mark.parametrize("wanted", ["bytes=10-19", "bytes=-5", "bytes=1999990-"])
def test_a_range_leaves_through_the_application(object_store: str, bucket: str, wanted: str) -> None:
    import asyncio  # noqa: PLC0415 - of this test alone

    store = store_of(object_store, bucket)
    info = store.put(NOISE, text=False)

    status, body = asyncio.run(_streamed(store, info, wanted))

    assert status == 206
    assert body in NOISE
    assert len(body) <= 10


def test_what_is_in_the_bucket_is_listed_and_removed_by_age(object_store: str) -> None:
    store = store_of(object_store, new_bucket(object_store), location="evidence/")
    info = store.put(b"orphan", text=False)
    (file,) = store.files(info.digest[:2])

    assert list(store.files(INCOMING)) == []
    assert (file.name.rsplit("/", 1)[1], file.stored_bytes) == (info.digest, 6)
    assert not store.remove_unwanted(file.name, before=file.put_at)
    assert store.remove_unwanted(file.name, before=file.put_at.replace(year=2099))
    assert not store.remove_unwanted(file.name, before=file.put_at.replace(year=2099))
    with pytest.raises(BlobNotFoundError):
        store.open(info)


def test_a_store_that_is_away_is_told_at_once(bucket: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    store = store_of(f"http://127.0.0.1:{port}", bucket)

    with pytest.raises(BlobStorageError, match="cannot be reached"):
        store.put(b"x", text=False)


def test_a_store_that_does_not_answer_is_given_up_after_the_time_that_is_set(
    through: S3BlobStore, bad_line: BadLine
) -> None:
    bad_line.silent = True
    began = monotonic()

    with pytest.raises(BlobStorageError, match="did not answer in time"):
        through.put(b"x", text=False)

    assert monotonic() - began < 15  # of a second that is set; what a hanging socket takes is minutes


def test_a_store_that_falls_silent_in_the_middle_of_an_answer_is_an_error(
    through: S3BlobStore, bad_line: BadLine
) -> None:
    info = through.put(NOISE, text=False)
    bad_line.bytes_per_second = 500_000  # so that most of it is still to come
    reader = _fresh(through, bad_line).open(info)
    assert reader.read(10) == NOISE[:10]
    bad_line.silent = True

    with pytest.raises(BlobStorageError, match="could not be read"):
        _all_of(reader)


def test_an_answer_that_breaks_off_is_an_error_and_never_a_shorter_content(
    through: S3BlobStore, bad_line: BadLine
) -> None:
    info = through.put(NOISE, text=False)
    bad_line.cut_after_bytes = 700_000

    with pytest.raises(BlobStorageError, match="could not be read"):
        _all_of(_fresh(through, bad_line).open(info))


def test_a_slow_store_takes_its_time_and_gives_everything(through: S3BlobStore, bad_line: BadLine) -> None:
    bad_line.bytes_per_second = 1_500_000

    assert _all_of(through.open(through.put(NOISE, text=False))) == NOISE


def test_what_failed_once_is_asked_again_as_often_as_is_set(bad_line: BadLine, bucket: str) -> None:
    store = store_of(bad_line.url, bucket, tries=2, read_seconds=1)
    bad_line.silent = True

    with pytest.raises(BlobStorageError):
        store.exists(_info(b"x"))

    assert bad_line.connections == 2


@pytest.fixture
def door(object_store: str, tmp_path: Path) -> Iterator[TlsDoor]:
    """The shared server over TLS, with a certificate of an authority of the test's own."""
    with tls_door(object_store, tmp_path) as opened:
        yield opened


def test_over_tls_the_authority_in_the_file_that_is_set_is_trusted(door: TlsDoor, bucket: str) -> None:
    store = store_of(door.url, bucket, ca_file=door.ca_file)

    info = store.put(NOISE, text=False)

    assert _all_of(store.open(info)) == NOISE


def test_over_tls_an_authority_that_nobody_was_told_to_trust_is_refused_with_the_setting_to_set(
    door: TlsDoor, bucket: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)

    for ca_file in (None, other):
        with pytest.raises(BlobStorageError, match="Set ARTIFACTS_S3_CA_FILE"):
            store_of(door.url, bucket, ca_file=ca_file).put(b"x", text=False)


def _fresh(store: S3BlobStore, line: BadLine) -> S3BlobStore:
    """The same bucket, with connections that are made now."""
    return store_of(line.url, store._bucket, read_seconds=1)


def _info(body: bytes) -> Any:
    from infra_shared.blobs.protocol import BlobInfo  # noqa: PLC0415 - of this helper alone

    return BlobInfo(hashlib.sha256(body).hexdigest(), len(body), len(body), "")


@pytest.mark.slow
def test_a_store_that_is_stopped_and_started_again_has_what_it_was_given(
    own_object_store: ObjectStoreServer,
) -> None:
    store = store_of(own_object_store.url, new_bucket(own_object_store.url))
    info = store.put(b"before the outage", text=True)
    own_object_store.stop()

    with pytest.raises(BlobStorageError, match="cannot be reached"):
        store.open(info)
    own_object_store.start()

    assert _all_of(store.open(info)) == b"before the outage"


@pytest.mark.slow
def test_the_memory_of_who_stores_and_reads_does_not_grow_with_the_object(
    object_store: str, bucket: str, tmp_path: Path
) -> None:
    file = tmp_path / "download.bin"
    with file.open("wb") as out:
        for _ in range(150):
            out.write(os.urandom(1_000_000))
    command = [sys.executable, "-m", "tests.infra_shared.store_a_file", object_store, bucket, str(file)]

    told = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)

    grown_bytes, read_bytes = map(int, told.stdout.split())
    assert read_bytes == 150_000_000
    assert grown_bytes < 80_000_000  # a part of 16 MB, with what is needed to sign and send it
