"""Captured files harm nobody who opens them, and open only for who may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Artifact
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_captured_html_comes_with_every_safety_header(
    async_console: AsyncClient, runs_factory: RunsFactory
) -> None:
    artifact = runs_factory.succeeded().artifacts.filter(kind="step_html")[0]

    response, body = fetched(async_console, artifact)

    assert body.startswith(b"<h1>")
    assert response.headers["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    )
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_stranger_is_sent_to_the_sign_in(runs_factory: RunsFactory) -> None:
    artifact = runs_factory.succeeded().artifacts.all()[0]

    response, _ = fetched(AsyncClient(), artifact)

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


def test_a_picture_is_read_in_ranges(async_console: AsyncClient, runs_factory: RunsFactory) -> None:
    artifact = runs_factory.succeeded().artifacts.filter(kind="step_picture")[0]

    response, body = fetched(async_console, artifact, range="bytes=1-3")

    assert (response.status_code, body) == (206, b"PNG")


def test_logs_are_shown_as_rows_and_every_word_of_them_is_escaped(
    console: Client, runs_factory: RunsFactory
) -> None:
    claim = runs_factory.claimed()
    line = b'{"level": "error", "text": "<script>alert(1)</script>"}\n'
    kept = runs_factory.keep(claim, ArtifactKind.CONSOLE_LOG, "application/x-ndjson", line)

    response = console.get(f"/admin/artifacts/{kept.pk}/view/")

    assert response.context["columns"] == ["level", "text"]
    assert "&lt;script&gt;alert(1)" in response.text


async def _fetch(client: AsyncClient, artifact: Artifact, headers: dict[str, str]) -> tuple[Any, bytes]:
    response: Any = await client.get(f"/admin/artifacts/{artifact.pk}/", headers=headers)
    pieces = [piece async for piece in response.streaming_content] if response.streaming else []
    return response, b"".join(pieces)


def fetched(client: AsyncClient, artifact: Artifact, **headers: str) -> tuple[Any, bytes]:
    """The answer and the whole body of a request for an artifact's bytes."""
    return async_to_sync(_fetch)(client, artifact, headers)
