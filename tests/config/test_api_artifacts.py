"""Artifacts over the API: streamed, in ranges, and harmless to who opens them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.encoding import PlainReader
from runs.services.artifact_content import content_headers
from tests.support import api, sample
from tests.support.s3_door import Door, opened_door
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = b"<script>document.title = 1</script>"


def fetch(artifact_id, **headers: str):
    """GET an artifact's content as an ASGI server does; returns the answer and its bytes."""
    key = api.key(scopes=["artifacts:read"])

    async def ask() -> tuple[Any, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/api/v1/artifacts/{artifact_id}/content"
        response: Any = await AsyncClient().get(path, headers={"X-API-Key": key, **named})
        if not response.streaming:
            return response, response.content
        return response, b"".join([piece async for piece in response])

    return async_to_sync(ask)()


@pytest.fixture
def door() -> Iterator[Door]:
    """A bucket over HTTP."""
    yield from opened_door()


@pytest.fixture
def keep(version):
    """Store artifacts of one running attempt."""
    _, claim = sample.claimed_run(version)
    return lambda kind, body=HOSTILE, name="file": api.keep(claim, body, kind=kind, name=name)


def test_captured_html_arrives_whole_and_runs_nothing(keep) -> None:
    response, body = fetch(keep(ArtifactKind.STEP_HTML).pk)

    assert (response.status_code, body) == (200, HOSTILE)
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "allow-" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_download_honours_ranges_and_is_never_shown(keep) -> None:
    artifact = keep(ArtifactKind.DOWNLOAD, b"0123456789", 'in"voice\r\n.svg')

    response, body = fetch(artifact.pk, Range="bytes=2-4")

    assert (response.status_code, body) == (206, b"234")
    assert response["Content-Range"] == "bytes 2-4/10"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == 'attachment; filename="in_voice__.svg"'


def test_what_is_in_a_bucket_leaves_through_the_application_too(keep, door: Door, settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "artifacts": door.storage()}
    artifact = keep(ArtifactKind.DOWNLOAD, b"0123456789")

    response, body = fetch(artifact.pk, Range="bytes=2-4")

    assert len(door.objects) == 1
    assert (response.status_code, body) == (206, b"234")
    assert f":{door.port}" not in str(response.headers)


def test_a_range_outside_the_content_is_a_problem(keep) -> None:
    response, _ = fetch(keep(ArtifactKind.DOWNLOAD, b"0123456789").pk, Range="bytes=10-")

    api.problem(response, 416)
    assert response["Content-Range"] == "bytes */10"


@pytest.mark.parametrize("kind", ArtifactKind)
def test_no_kind_is_served_as_the_site_called_it(keep, kind) -> None:
    artifact = keep(kind)
    assert artifact.content_type == "image/svg+xml"

    headers = content_headers(artifact)

    assert "svg" not in headers["Content-Type"]
    assert headers["Content-Security-Policy"].startswith("sandbox;")
    safe_inline = ("image/", "text/", "application/json", "application/x-ndjson")
    is_inline = headers["Content-Disposition"].startswith("inline")
    assert is_inline == headers["Content-Type"].startswith(safe_inline)


def test_a_file_that_is_gone_from_the_store_is_not_there(keep) -> None:
    artifact = keep(ArtifactKind.DOWNLOAD, b"gone")
    artifact_store().delete(artifact.blob)

    response, _ = fetch(artifact.pk)

    assert "no longer in the store" in api.problem(response, 404)["detail"]


def test_a_file_that_was_not_kept_says_why(keep) -> None:
    artifact = keep(ArtifactKind.DOWNLOAD, b"x")
    type(artifact).objects.filter(pk=artifact.pk).update(blob=None, missing_reason="The disk is full.")

    response, _ = fetch(artifact.pk)

    assert "The disk is full." in api.problem(response, 404)["detail"]


def test_a_body_is_read_off_the_event_loop(keep, monkeypatch) -> None:
    artifact = keep(ArtifactKind.DOWNLOAD, b"x" * 1_000_000)
    threads = set()
    read = PlainReader.read

    def noting_read(reader, size):
        threads.add(threading.current_thread().name)
        return read(reader, size)

    monkeypatch.setattr(PlainReader, "read", noting_read)

    _, body = fetch(artifact.pk)

    assert len(body) == 1_000_000
    assert threads
    assert threading.main_thread().name not in threads
