"""An outage of the store delays artifacts and never fails runs: what is within the spool's bound is not lost."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobInfo, BlobStorageError
from infra_shared.blobs.spool import SpoolFolder
from infra_shared.clock import utc_now
from infra_shared.models import Blob, Spool
from infra_shared.redaction import Redactor
from infra_shared.services.spools import report_spool, spool_folder
from runs.cluster.spool_keeper import SpoolKeeper, look_after_spool
from runs.evidence_writer import EvidenceWriter
from runs.models import Artifact, Run
from runs.services import outcomes, spooled
from runs.services.results import result_of
from tests.support import api, sample
from tests.support.console import client_with
from tests.support.metrics import measured
from tests.support.object_store import ObjectStoreServer, new_bucket, storage_of
from tests.support.waiting import wait_until
from webgraph.recorder import ArtifactKind, Evidence

if TYPE_CHECKING:
    from pathlib import Path

    from automations.models import AutomationVersion
    from runs.services.claims import Claim

# longer than 400 lines: one outage, its beginning to its end, told with the same few parts.
pytestmark = pytest.mark.django_db
SECRET = "canary/Zq7 xk&9"


class StoreThatIsAway:
    """Answers nothing, and counts how often it was asked."""

    asked = 0

    def put(self, _source: bytes | Path, *, text: bool) -> BlobInfo:
        self.asked += 1
        raise BlobStorageError(f"The store of {'texts' if text else 'files'} does not answer.")

    def __getattr__(self, name: str) -> Any:
        return getattr(artifact_store(), name)


@pytest.fixture
def claim(version: AutomationVersion) -> Claim:
    _, claim = sample.claimed_run(version)
    return claim


@pytest.fixture
def away() -> StoreThatIsAway:
    return StoreThatIsAway()


@pytest.fixture
def folder() -> SpoolFolder:
    return spool_folder()


@pytest.fixture
def writer(claim: Claim, away: StoreThatIsAway, folder: SpoolFolder) -> EvidenceWriter:
    return EvidenceWriter(
        claim=claim, store=away, outage=timedelta(seconds=1), redactor=Redactor([SECRET]), spool=folder
    )


def _evidence(body: bytes, **facts: Any) -> Evidence:
    facts = {"kind": ArtifactKind.DOWNLOAD, "name": "list.csv", "content_type": "text/csv"} | facts
    return Evidence(body=body, captured_at=utc_now(), **facts)


def _captured(writer: EvidenceWriter, *bodies: bytes) -> list[Artifact]:
    for body in bodies:
        writer.evidence(_evidence(body))
    writer.flush(seconds=30)
    return list(Artifact.objects.order_by("pk"))


def _read(artifact: Artifact) -> bytes:
    assert artifact.blob is not None
    with artifact_store().open(artifact.blob) as reader:
        return reader.read(10_000)


def test_what_the_store_does_not_take_waits_on_the_node_and_the_row_says_so(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    (artifact,) = _captured(writer, b"a,b")

    assert artifact.is_waiting
    assert artifact.missing_reason.startswith("It waits for the store of files, on the node ")
    assert folder.waiting() == [artifact.pk]


def test_what_waited_is_delivered_once_the_store_is_back_and_the_spool_is_empty(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    bodies = [b"first", b"second", b"first"]
    _captured(writer, *bodies)

    assert look_after_spool() == ""

    rows = Artifact.objects.select_related("blob").order_by("pk")
    assert [_read(row) for row in rows] == bodies
    assert [row.missing_reason for row in rows] == ["", "", ""]
    assert folder.state().files == Spool.objects.get().files == 0
    assert Blob.objects.count() == 2


def test_a_store_that_is_away_is_not_asked_again_for_every_picture(
    writer: EvidenceWriter, away: StoreThatIsAway
) -> None:
    assert len(_captured(writer, *[bytes([number]) for number in range(20)])) == 20

    assert away.asked == 1


def test_a_backlog_beyond_the_bound_of_memory_goes_to_the_spool(
    writer: EvidenceWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.evidence_writer.MAX_PENDING_BYTES", 5)

    artifacts = _captured(writer, b"12345", b"12345")

    assert [artifact.is_waiting for artifact in artifacts] == [True, True]


def test_beyond_the_bound_of_the_spool_the_gap_is_recorded_with_its_reason(
    writer: EvidenceWriter, claim: Claim, away: StoreThatIsAway, folder: SpoolFolder, tmp_path: Path
) -> None:
    small = SpoolFolder(tmp_path / "small", most_bytes=3_000)
    writer = EvidenceWriter(claim=claim, store=away, outage=timedelta(seconds=1), spool=small)

    kept, gap = _captured(writer, b"x" * 2_000, b"y" * 2_000)

    assert kept.is_waiting
    assert not gap.is_waiting
    assert "the spool of this node is full" in gap.missing_reason


def test_without_room_for_anything_nothing_more_waits_and_what_waits_is_still_delivered(
    writer: EvidenceWriter, claim: Claim, away: StoreThatIsAway, settings: Any
) -> None:
    _captured(writer, b"of before")
    settings.ARTIFACTS_SPOOL_BYTES = 0
    closed = EvidenceWriter(claim=claim, store=away, outage=timedelta(seconds=1), spool=spool_folder())

    _, gap = _captured(closed, b"of now")
    look_after_spool()

    assert "Nothing may wait on this node" in gap.missing_reason
    assert _read(Artifact.objects.stored().select_related("blob").get()) == b"of before"


def test_the_spool_holds_no_secret_and_only_its_owner_can_read_it(
    writer: EvidenceWriter, folder: SpoolFolder, settings: Any
) -> None:
    writer.evidence(_evidence(SECRET.encode(), name=f"{SECRET}.csv"))
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
    item = _evidence(json.dumps(result).encode(), kind=ArtifactKind.RESULT, content_type="application/json")

    artifact = writer.keep_now(item, seconds=30)
    outcomes.finish_succeeded(claim=claim, result=None, result_artifact=artifact)

    with pytest.raises(BlobStorageError, match="cannot be read yet"):
        result_of(run=Run.objects.get(pk=claim.attempt.run_id))
    look_after_spool()
    assert result_of(run=Run.objects.get(pk=claim.attempt.run_id)) == result


def test_a_crash_between_the_put_and_the_row_leaves_neither_a_duplicate_nor_a_loss(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    (artifact,) = _captured(writer, b"delivered twice")
    held = folder.read(artifact.pk)
    assert held is not None
    artifact_store().put(held.body, text=held.text)  # and here its process died
    look_after_spool()
    folder.keep(
        held.key, held.body, text=held.text, facts=held.facts
    )  # or it died before the file was dropped

    look_after_spool()

    assert _read(Artifact.objects.select_related("blob").get()) == b"delivered twice"
    assert (Blob.objects.count(), folder.waiting()) == (1, [])


def test_a_worker_that_died_before_it_wrote_the_row_loses_nothing(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    _captured(writer, b"its row was never written")
    Artifact.objects.all().delete()

    look_after_spool()

    assert _read(Artifact.objects.select_related("blob").get()) == b"its row was never written"


def test_what_waits_for_a_run_that_is_not_kept_any_more_is_dropped(
    writer: EvidenceWriter, claim: Claim, folder: SpoolFolder
) -> None:
    _captured(writer, b"of a run that retention removed")
    held = folder.read(folder.waiting()[0])
    assert held is not None
    folder.keep(held.key, held.body, text=True, facts=held.facts | {"run_id": str(held.key)})

    look_after_spool()

    assert folder.waiting() == []


def test_another_process_of_the_machine_may_deliver_and_only_one_at_a_time(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    _captured(writer, b"x")
    with folder.owned() as is_owner:
        other = spooled.deliver(folder=folder, store=artifact_store(), seconds=5)

    assert is_owner
    assert other is None
    assert spooled.deliver(folder=folder, store=artifact_store(), seconds=5) == spooled.Delivery(delivered=1)


def test_a_process_that_is_killed_lets_go_of_the_spool(folder: SpoolFolder, settings: Any) -> None:
    code = (
        "import pathlib, sys; from infra_shared.blobs.spool import SpoolFolder\n"
        "with SpoolFolder(pathlib.Path(sys.argv[1]), most_bytes=1).owned() as mine: print(mine, flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, settings.ARTIFACTS_SPOOL_DIR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"True\n"
        with folder.owned() as is_owner:
            assert not is_owner
        child.kill()
    with folder.owned() as is_owner:
        assert is_owner


def test_an_outage_leaves_everything_in_the_spool_and_the_row_says_what_the_store_said(
    writer: EvidenceWriter, folder: SpoolFolder, away: StoreThatIsAway
) -> None:
    _captured(writer, b"1", b"2", b"3", b"4", b"5")
    before = away.asked

    delivery = spooled.deliver(folder=folder, store=away, seconds=5)
    assert delivery is not None
    row = report_spool(folder=folder, problem=delivery.problem)

    assert away.asked == before + 3
    assert (row.files, row.problem) == (5, "The store of texts does not answer.")
    assert row.oldest_at is not None


def test_one_thing_the_store_refuses_does_not_hold_up_the_rest(
    writer: EvidenceWriter, folder: SpoolFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, _ = _captured(writer, b"too large for this store", b"fits")

    class Picky(StoreThatIsAway):
        def put(self, source: bytes | Path, *, text: bool) -> BlobInfo:
            return (
                artifact_store().put(source, text=text)
                if source == b"fits"
                else super().put(source, text=text)
            )

    delivery = spooled.deliver(folder=folder, store=Picky(), seconds=5)

    assert delivery is not None
    assert (delivery.delivered, folder.waiting()) == (1, [refused.pk])


def test_a_file_that_was_damaged_in_the_spool_becomes_a_gap_and_is_never_delivered(
    writer: EvidenceWriter, folder: SpoolFolder, settings: Any
) -> None:
    _captured(writer, b"whole")
    (path,) = settings.ARTIFACTS_SPOOL_DIR.glob("*.waiting")
    path.write_bytes(path.read_bytes()[:-1])

    look_after_spool()

    artifact = Artifact.objects.get()
    assert not artifact.is_waiting
    assert "damaged" in artifact.missing_reason
    assert Blob.objects.count() == 0


def test_what_is_no_longer_in_the_spool_becomes_a_gap(writer: EvidenceWriter, folder: SpoolFolder) -> None:
    (artifact,) = _captured(writer, b"somebody emptied the folder")
    folder.drop(artifact.pk)

    look_after_spool()

    artifact.refresh_from_db()
    assert "no longer in the spool" in artifact.missing_reason
    assert not artifact.is_waiting


def test_what_waited_on_a_node_that_is_gone_for_long_becomes_a_gap(
    writer: EvidenceWriter, settings: Any
) -> None:
    (artifact,) = _captured(writer, b"on a disk nobody sees again")
    assert spooled.give_up_lost() == 0

    Spool.objects.update(seen_at=timezone.now() - settings.ARTIFACTS_SPOOL_LOST - timedelta(minutes=1))

    assert spooled.give_up_lost() == 1
    artifact.refresh_from_db()
    assert "which is gone since" in artifact.missing_reason


def test_a_node_that_comes_back_after_it_was_given_up_delivers_all_the_same(
    writer: EvidenceWriter, settings: Any
) -> None:
    _captured(writer, b"back from the dead")
    Spool.objects.update(seen_at=timezone.now() - settings.ARTIFACTS_SPOOL_LOST * 2)
    spooled.give_up_lost()

    look_after_spool()

    assert _read(Artifact.objects.select_related("blob").get()) == b"back from the dead"


def test_a_crash_while_a_file_was_written_leaves_nothing_that_looks_whole(
    folder: SpoolFolder, settings: Any
) -> None:
    _ = folder.id
    rest = settings.ARTIFACTS_SPOOL_DIR / "some.waiting.17.part"
    rest.write_bytes(b"half")
    os.utime(rest, (0, 0))

    assert folder.waiting() == []
    look_after_spool()

    assert not rest.exists()


def test_the_console_says_that_a_file_waits_for_the_store_and_offers_no_download(
    writer: EvidenceWriter,
) -> None:
    (artifact,) = _captured(writer, b"a,b")
    client = client_with("runs.view_artifact", "runs.view_run")

    shown = client.get(f"/admin/artifacts/{artifact.pk}/view/").content.decode()
    run_page = client.get(f"/admin/runs/run/{artifact.run_id}/change/").content.decode()

    assert "Waiting for the store" in shown
    assert "download=1" not in shown
    assert "waiting for the store" in run_page


def test_the_api_says_of_a_file_that_waits_to_ask_again(writer: EvidenceWriter) -> None:
    (artifact,) = _captured(writer, b"a,b")
    caller = api.Caller(api.key())

    told = caller.get(f"/artifacts/{artifact.pk}")
    content = caller.get(f"/artifacts/{artifact.pk}/content")

    assert told.json()["missing_reason"].startswith("It waits for the store of files")
    assert content.status_code == 503
    assert content["Retry-After"]


def test_what_waits_can_be_delivered_by_hand(
    writer: EvidenceWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    _captured(writer, b"a,b")

    call_command("artifacts", "deliver", "--json")

    assert json.loads(capsys.readouterr().out) == {"files": 0, "waiting_bytes": 0, "problem": ""}
    assert Artifact.objects.stored().count() == 1


def test_the_overview_and_the_figures_say_what_waits_on_which_node(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    _captured(writer, b"a,b", b"c,d")
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
    before, during = _evidence(b"before"), _evidence(b"during the outage")

    writer.evidence(before)
    writer.flush(seconds=30)
    own_object_store.stop()
    writer.evidence(during)
    writer.flush(seconds=30)
    assert "cannot be reached" in look_after_spool()
    own_object_store.start()

    assert look_after_spool() == ""
    rows = Artifact.objects.select_related("blob").order_by("pk")
    assert [_read(row) for row in rows] == [b"before", b"during the outage"]


@pytest.mark.django_db(transaction=True)
def test_the_nodes_keeper_delivers_by_itself_what_a_former_node_left(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    store, folder = StoreThatIsAway(), spool_folder()
    _captured(
        EvidenceWriter(claim=claim, store=store, outage=timedelta(seconds=1), spool=folder), b"of yesterday"
    )
    keeper = SpoolKeeper()

    keeper.start()
    wait_until(lambda: Artifact.objects.stored().exists(), what="the delivery")
    keeper.stop(within_seconds=10)

    assert folder.waiting() == []
