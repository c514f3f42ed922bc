"""An outage of the store delays artifacts and never fails runs: what is within the spool's bound is not lost."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.blobs.spool import SpoolFolder
from infra_shared.models import Blob, Spool
from infra_shared.services.spools import report_spool, spool_folder
from runs.cluster.spool_keeper import look_after_spool
from runs.evidence_writer import EvidenceWriter
from runs.models import Artifact, Run
from runs.services import outcomes
from runs.services.results import result_of
from tests.support import api
from tests.support.console import client_with
from tests.support.metrics import measured
from tests.support.object_store import ObjectStoreServer, new_bucket, storage_of
from tests.support.spooling import SECRET, StoreThatIsAway, StoreThatIsSlow, captured, evidence, read
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from pathlib import Path

    from runs.services.claims import Claim

pytestmark = pytest.mark.django_db


def test_what_the_store_does_not_take_waits_on_the_node_and_the_row_says_so(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    (artifact,) = captured(writer, b"a,b")

    assert artifact.is_waiting
    assert artifact.missing_reason.startswith("It waits for the store of files, on the node ")
    assert folder.waiting() == [artifact.pk]


def test_what_waited_is_delivered_once_the_store_is_back_and_the_spool_is_empty(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    bodies = [b"first", b"second", b"first"]
    captured(writer, *bodies)

    assert look_after_spool() == ""

    rows = Artifact.objects.select_related("blob").order_by("pk")
    assert [read(row) for row in rows] == bodies
    assert [row.missing_reason for row in rows] == ["", "", ""]
    assert folder.state().files == Spool.objects.get().files == 0
    assert Blob.objects.count() == 2


def test_a_look_at_the_spool_writes_how_much_waits_and_why(
    writer: EvidenceWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured(writer, b"a,b", b"c,d")
    monkeypatch.setattr("runs.cluster.spool_keeper.artifact_store", StoreThatIsAway)

    problem = look_after_spool()

    row = Spool.objects.get()
    assert (row.files, row.problem) == (2, problem)
    assert problem == "The store of texts does not answer."


def test_what_a_slow_store_has_not_taken_in_time_waits_and_is_delivered(
    claim: Claim, folder: SpoolFolder
) -> None:
    store = StoreThatIsSlow()
    writer = EvidenceWriter(claim=claim, store=store, outage=timedelta(seconds=1), spool=folder)

    writer.evidence(evidence(b"under way"))
    writer.evidence(evidence(b"behind it"))
    writer.flush(seconds=0.05)
    writer.keep_now(evidence(b"{}", kind=ArtifactKind.RESULT), seconds=0.05)
    store.may_answer.set()
    writer.close()

    rows = Artifact.objects.order_by("pk")
    assert [row.is_waiting for row in rows] == [True, True, True]
    assert look_after_spool() == ""
    assert [read(row) for row in rows.select_related("blob")] == [b"under way", b"behind it", b"{}"]


def test_a_store_that_is_away_is_not_asked_again_for_every_picture(
    writer: EvidenceWriter, away: StoreThatIsAway
) -> None:
    assert len(captured(writer, *[bytes([number]) for number in range(20)])) == 20

    assert away.asked == 1


def test_a_backlog_beyond_the_bound_of_memory_goes_to_the_spool(
    writer: EvidenceWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.evidence_writer.MAX_PENDING_BYTES", 5)

    artifacts = captured(writer, b"12345", b"12345")

    assert [artifact.is_waiting for artifact in artifacts] == [True, True]


def test_beyond_the_bound_of_the_spool_the_gap_is_recorded_with_its_reason(
    writer: EvidenceWriter, claim: Claim, away: StoreThatIsAway, folder: SpoolFolder, tmp_path: Path
) -> None:
    small = SpoolFolder(tmp_path / "small", most_bytes=3_000)
    writer = EvidenceWriter(claim=claim, store=away, outage=timedelta(seconds=1), spool=small)

    kept, gap = captured(writer, b"x" * 2_000, b"y" * 2_000)

    assert kept.is_waiting
    assert not gap.is_waiting
    assert "the spool of this node is full" in gap.missing_reason


def test_without_room_for_anything_nothing_more_waits_and_what_waits_is_still_delivered(
    writer: EvidenceWriter, claim: Claim, away: StoreThatIsAway, settings: Any
) -> None:
    captured(writer, b"of before")
    settings.ARTIFACTS_SPOOL_BYTES = 0
    closed = EvidenceWriter(claim=claim, store=away, outage=timedelta(seconds=1), spool=spool_folder())

    _, gap = captured(closed, b"of now")
    look_after_spool()

    assert "Nothing may wait on this node" in gap.missing_reason
    assert read(Artifact.objects.stored().select_related("blob").get()) == b"of before"


def test_the_spool_holds_no_secret_and_only_its_owner_can_read_it(
    writer: EvidenceWriter, folder: SpoolFolder, settings: Any
) -> None:
    writer.evidence(evidence(SECRET.encode(), name=f"{SECRET}.csv"))
    writer.flush(seconds=30)

    (path,) = settings.ARTIFACTS_SPOOL_DIR.glob("*.waiting")
    assert SECRET.encode() not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    look_after_spool()
    artifact = Artifact.objects.get()
    assert artifact.is_quarantined
    assert artifact.sealed_blob is not None
    assert artifact.blob is None


def test_a_result_too_large_for_its_row_waits_too_and_the_run_succeeds(
    writer: EvidenceWriter, claim: Claim
) -> None:
    result = {"rows": ["x" * 1_000] * 100}
    item = evidence(json.dumps(result).encode(), kind=ArtifactKind.RESULT, content_type="application/json")

    artifact = writer.keep_now(item, seconds=30)
    outcomes.finish_succeeded(claim=claim, result=None, result_artifact=artifact)

    with pytest.raises(BlobStorageError, match="cannot be read yet"):
        result_of(run=Run.objects.get(pk=claim.attempt.run_id))
    look_after_spool()
    assert result_of(run=Run.objects.get(pk=claim.attempt.run_id)) == result


def test_the_console_says_that_a_file_waits_for_the_store_and_offers_no_download(
    writer: EvidenceWriter,
) -> None:
    (artifact,) = captured(writer, b"a,b")
    client = client_with("runs.view_artifact", "runs.view_run")

    shown = client.get(f"/admin/artifacts/{artifact.pk}/view/").content.decode()
    run_page = client.get(f"/admin/runs/run/{artifact.run_id}/change/").content.decode()

    assert "Waiting for the store" in shown
    assert "download=1" not in shown
    assert "waiting for the store" in run_page


def test_the_api_says_of_a_file_that_waits_to_ask_again(writer: EvidenceWriter) -> None:
    (artifact,) = captured(writer, b"a,b")
    caller = api.Caller(api.key())

    told = caller.get(f"/artifacts/{artifact.pk}")
    content = caller.get(f"/artifacts/{artifact.pk}/content")

    assert told.json()["missing_reason"].startswith("It waits for the store of files")
    assert content.status_code == 503
    assert content["Retry-After"]


def test_what_waits_can_be_delivered_by_hand(
    writer: EvidenceWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    captured(writer, b"a,b")

    call_command("artifacts", "deliver", "--json")

    assert json.loads(capsys.readouterr().out) == {"files": 0, "waiting_bytes": 0, "problem": ""}
    assert Artifact.objects.stored().count() == 1


def test_the_overview_and_the_figures_say_what_waits_on_which_node(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    captured(writer, b"a,b", b"c,d")
    row = report_spool(folder=folder, problem="The object store cannot be reached.")

    overview = client_with("runs.view_node").get("/admin/").content.decode()
    found = measured()

    assert "2 files (" in overview
    assert "wait for the store. The object store cannot be reached." in overview
    assert found[f"automation_spool_waiting_files{{node={row.node_name}}}"] == 2
    assert found[f"automation_spool_waiting_bytes{{node={row.node_name}}}"] == row.waiting_bytes > 0
    assert found[f"automation_spool_oldest_waiting_seconds{{node={row.node_name}}}"] >= 0


@pytest.mark.slow
def test_an_outage_of_a_real_object_store_delays_artifacts_and_loses_none(
    own_object_store: ObjectStoreServer, claim: Claim, folder: SpoolFolder, settings: Any
) -> None:
    storage = storage_of(own_object_store.url, new_bucket(own_object_store.url))
    settings.STORAGES = {**settings.STORAGES, "artifacts": storage}
    writer = EvidenceWriter(claim=claim, store=artifact_store(), outage=timedelta(seconds=1), spool=folder)
    before, during = evidence(b"before"), evidence(b"during the outage")

    writer.evidence(before)
    writer.flush(seconds=30)
    own_object_store.stop()
    writer.evidence(during)
    writer.flush(seconds=30)
    assert "cannot be reached" in look_after_spool()
    own_object_store.start()

    assert look_after_spool() == ""
    rows = Artifact.objects.select_related("blob").order_by("pk")
    assert [read(row) for row in rows] == [b"before", b"during the outage"]
