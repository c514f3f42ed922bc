"""Blobs over HTTP: ranges as the specification says, and never more than a piece in memory."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.http import StreamingHttpResponse
from hypothesis import given
from hypothesis import strategies as st

from infra_shared.blobs.file_store import FileBlobStore
from infra_shared.blobs.protocol import BlobInfo, BlobNotFoundError, stored_name
from infra_shared.http.blob_stream import BlobAnswer, stream_blob
from infra_shared.http.ranges import ByteRange, UnsatisfiableRangeError, parse_range

BODY = bytes(range(256)) * 4000  # about 1 MB, so several pieces
SIZE_BYTES = 300_000_000
GROWTH_BYTES = 30_000_000


@pytest.fixture
def store(tmp_path):
    """A store in a folder."""
    return FileBlobStore(tmp_path)


def _get(store: FileBlobStore, blob: BlobInfo, **headers: str) -> tuple[BlobAnswer, bytes]:
    async def collect() -> tuple[BlobAnswer, bytes]:
        answer = await stream_blob(store, blob, **headers)
        return answer, b"".join([piece async for piece in answer.body])

    return asyncio.run(collect())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-99", ByteRange(0, 100)),
        ("bytes=900-", ByteRange(900, 100)),
        ("bytes=-1", ByteRange(999, 1)),
        ("bytes=-5000", ByteRange(0, 1000)),
        ("bytes=990-5000", ByteRange(990, 10)),
        (" Bytes = 5 - 5 ", ByteRange(5, 1)),
        ("", None),
        ("bytes=-", None),
        ("bytes=9-3", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_a_range_header_is_read_as_the_specification_says(header, expected):
    assert parse_range(header, 1000) == expected


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_outside_the_content_cannot_be_satisfied(header):
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, 1000)


@given(size=st.integers(1, 50), start=st.integers(0, 60), end=st.integers(0, 60))
def test_a_range_that_is_given_always_lies_inside_the_content(size, start, end):
    try:
        part = parse_range(f"bytes={start}-{end}", size)
    except UnsatisfiableRangeError:
        assert start >= size
    else:
        assert part is None or 0 <= part.start < part.start + part.length <= size


def test_a_whole_blob_is_sent_with_its_length_and_name(store):
    blob = store.put(BODY, text=False)

    answer, body = _get(store, blob)

    assert (answer.status, body) == (200, BODY)
    assert answer.headers["Content-Length"] == str(len(BODY))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{blob.digest}"'


def test_a_part_of_a_plain_blob_is_sent_as_206(store):
    blob = store.put(BODY, text=False)

    answer, body = _get(store, blob, range_header="bytes=500000-500009")

    assert (answer.status, body) == (206, BODY[500_000:500_010])
    assert answer.headers["Content-Range"] == f"bytes 500000-500009/{len(BODY)}"
    assert answer.headers["Content-Length"] == "10"


def test_a_compressed_blob_is_always_sent_whole_and_plain(store):
    blob = store.put(BODY, text=True)

    answer, body = _get(store, blob, range_header="bytes=0-9")

    assert (answer.status, body) == (200, BODY)
    assert answer.headers["Accept-Ranges"] == "none"


def test_a_range_of_another_version_is_answered_whole(store):
    blob = store.put(BODY, text=False)

    assert _get(store, blob, range_header="bytes=0-9", if_range='"old"')[0].status == 200
    assert _get(store, blob, range_header="bytes=0-9", if_range=f'"{blob.digest}"')[0].status == 206


def test_a_range_behind_the_end_is_answered_416_with_the_size(store):
    blob = store.put(BODY, text=False)

    answer, body = _get(store, blob, range_header=f"bytes={len(BODY)}-")

    assert (answer.status, body) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{len(BODY)}"


def test_a_missing_blob_is_noticed_before_anything_is_sent(store):
    with pytest.raises(BlobNotFoundError):
        _get(store, BlobInfo("0" * 64, 5, 5, ""))


def test_an_answer_that_django_closes_before_its_end_releases_its_file(store):
    blob = store.put(BODY, text=False)

    async def read_one_piece_and_leave() -> Any:
        answer = await stream_blob(store, blob)
        response = StreamingHttpResponse(answer.body, status=answer.status, headers=answer.headers)
        assert await anext(aiter(response)) == BODY[: 256 * 1024]
        response.close()
        return answer.body._reader

    assert asyncio.run(read_one_piece_and_leave())._file.closed


def _digest_of_zeros(size_bytes: int) -> str:
    digest, piece = hashlib.sha256(), bytes(1_000_000)
    for _ in range(size_bytes // len(piece)):
        digest.update(piece)
    return digest.hexdigest()


def test_300_mb_leave_through_a_server_whose_memory_stays_bounded(tmp_path):
    digest = _digest_of_zeros(SIZE_BYTES)
    place = tmp_path / stored_name(digest, "")
    place.parent.mkdir(parents=True)
    with place.open("wb") as file:
        file.truncate(SIZE_BYTES)
    command = [sys.executable, "-m", "tests.infra_shared.serve_blob"]
    server = subprocess.Popen(
        [*command, str(tmp_path), digest, str(SIZE_BYTES)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )

    assert server.stdout is not None
    with server, httpx.Client(trust_env=False, timeout=30) as client:
        base = f"http://127.0.0.1:{int(server.stdout.readline())}"
        client.get(base, headers={"Range": "bytes=0-999999"})
        before = int(client.get(f"{base}/memory").text)
        with client.stream("GET", base) as answer:
            received = sum(len(piece) for piece in answer.iter_raw())
        after = int(client.get(f"{base}/memory").text)
        server.terminate()

    assert received == SIZE_BYTES
    assert after - before < GROWTH_BYTES
