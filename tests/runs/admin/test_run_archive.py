"""Everything of a run as one zip: whole, harmless in its names, honest about what is missing, small in memory."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from infra_shared.blobs.django_store import artifact_store
from runs.models import Artifact
from runs.services.run_archive import GAPS, archive
from tests.support.console import client_with
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db(transaction=True)
BIG = 60 * 1024 * 1024


@async_to_sync
async def fetched(client: AsyncClient, run: Any) -> tuple[Any, bytes]:
    """The answer with its body."""
    response: Any = await client.get(f"/admin/runs/run/{run.pk}/everything.zip")
    body = b"".join([piece async for piece in response]) if response.streaming else response.content
    return response, body


def artifacts_of(run: Any) -> list[Artifact]:
    """Its artifacts as the archive wants them."""
    return list(Artifact.objects.filter(run=run).select_related("blob", "attempt", "step"))


def test_it_holds_the_run_its_result_its_steps_and_every_file(
    async_console: AsyncClient, runs_factory: RunsFactory
) -> None:
    run = runs_factory.succeeded()

    response, body = fetched(async_console, run)
    file = zipfile.ZipFile(io.BytesIO(body))

    assert response.headers["Content-Disposition"].endswith(f'-{run.short_id}.zip"')
    assert file.testzip() is None
    assert json.loads(file.read("run.json"))["id"] == str(run.pk)
    assert json.loads(file.read("result.json"))["total"] == 40
    assert len(json.loads(file.read("steps.json"))) == 3
    picture = next(name for name in file.namelist() if name.startswith("attempt-1/step-002-step_picture"))
    assert file.read(picture).startswith(b"\x89PNG")


def test_a_stranger_is_sent_to_the_sign_in_and_who_may_see_no_file_is_refused(
    runs_factory: RunsFactory,
) -> None:
    run = runs_factory.succeeded()

    stranger, _ = fetched(AsyncClient(), run)
    refused = client_with("runs.view_run").get(f"/admin/runs/run/{run.pk}/everything.zip")

    assert stranger.headers["Location"].startswith("/admin/login/")
    assert refused.status_code == 403


def test_a_file_that_is_missing_is_named_and_the_rest_is_there(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    gone, *others = artifacts_of(run)
    assert gone.blob is not None
    artifact_store().delete(gone.blob)

    file = zipfile.ZipFile(io.BytesIO(b"".join(archive(artifacts=[gone, *others], documents={}))))

    assert gone.kind in file.read(GAPS).decode()
    assert len(file.namelist()) >= len(others)


def test_a_name_a_site_chose_stays_inside_the_archive(runs_factory: RunsFactory) -> None:
    claim = runs_factory.claimed()
    kept = runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", b"x")
    Artifact.objects.filter(pk=kept.pk).update(name="../../etc/passwd")

    body = b"".join(archive(artifacts=artifacts_of(kept.run), documents={}))

    (name,) = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert name.startswith("attempt-1/download-")
    assert ".." not in name


def test_a_large_file_passes_in_pieces(runs_factory: RunsFactory) -> None:
    claim = runs_factory.claimed()
    kept = runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "application/octet-stream", bytes(BIG))
    artifacts = artifacts_of(kept.run)

    tracemalloc.start()
    sent = sum(len(piece) for piece in archive(artifacts=artifacts, documents={}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sent > BIG
    assert peak < BIG / 10
