"""What waits on a node reaches the store once, whoever died meanwhile; what cannot becomes a gap."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone
from django.utils.module_loading import import_string

from infra_shared.blobs.django_store import artifact_store
from infra_shared.models import Blob, Spool
from infra_shared.services.spools import report_spool, spool_folder
from runs.chores import CHORES
from runs.cluster.spool_keeper import SpoolKeeper, look_after_spool
from runs.evidence_writer import EvidenceWriter
from runs.models import Artifact
from runs.services import spooled
from tests.support import sample
from tests.support.spooling import StoreThatIsAway, captured, read
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from automations.models import AutomationVersion
    from infra_shared.blobs.protocol import BlobInfo
    from infra_shared.blobs.spool import SpoolFolder
    from runs.services.claims import Claim

pytestmark = pytest.mark.django_db


def test_a_crash_between_the_put_and_the_row_leaves_neither_a_duplicate_nor_a_loss(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    (artifact,) = captured(writer, b"delivered twice")
    held = folder.read(artifact.pk)
    assert held is not None
    artifact_store().put(held.body, text=held.text)  # and here its process died
    look_after_spool()
    folder.keep(
        held.key, held.body, text=held.text, facts=held.facts
    )  # or it died before the file was dropped

    look_after_spool()

    assert read(Artifact.objects.select_related("blob").get()) == b"delivered twice"
    assert (Blob.objects.count(), folder.waiting()) == (1, [])


def test_a_worker_that_died_before_it_wrote_the_row_loses_nothing(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    captured(writer, b"its row was never written")
    Artifact.objects.all().delete()

    look_after_spool()

    assert read(Artifact.objects.select_related("blob").get()) == b"its row was never written"


def test_what_waits_for_a_run_that_is_not_kept_any_more_is_dropped(
    writer: EvidenceWriter, claim: Claim, folder: SpoolFolder
) -> None:
    captured(writer, b"of a run that retention removed")
    held = folder.read(folder.waiting()[0])
    assert held is not None
    folder.keep(held.key, held.body, text=True, facts=held.facts | {"run_id": str(held.key)})

    look_after_spool()

    assert folder.waiting() == []


def test_another_process_of_the_machine_may_deliver_and_only_one_at_a_time(
    writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    captured(writer, b"x")
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
    captured(writer, b"1", b"2", b"3", b"4", b"5")
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
    refused, _ = captured(writer, b"too large for this store", b"fits")

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
    captured(writer, b"whole")
    (path,) = settings.ARTIFACTS_SPOOL_DIR.glob("*.waiting")
    path.write_bytes(path.read_bytes()[:-1])

    look_after_spool()

    artifact = Artifact.objects.get()
    assert not artifact.is_waiting
    assert "damaged" in artifact.missing_reason
    assert Blob.objects.count() == 0


def test_a_file_the_disk_does_not_give_now_is_left_where_it_is_and_the_others_are_delivered(
    writer: EvidenceWriter, folder: SpoolFolder, settings: Any
) -> None:
    first, second = captured(writer, b"read later", b"read now")
    path = settings.ARTIFACTS_SPOOL_DIR / f"{first.pk}.waiting"
    path.rename(aside := path.with_suffix(".aside"))
    path.mkdir()  # reading it fails, as on a disk with bad blocks

    assert "could not be read in the spool" in look_after_spool()
    second.refresh_from_db()
    assert (read(second), folder.waiting()) == (b"read now", [first.pk])

    path.rmdir()
    aside.rename(path)
    assert look_after_spool() == ""
    first.refresh_from_db()
    assert read(first) == b"read later"


@pytest.mark.parametrize("facts", [{"captured_at": "soon"}, {"size_bytes": -1}])
def test_a_file_whose_row_cannot_be_written_is_left_where_it_is_and_the_others_are_delivered(
    facts: dict[str, Any], writer: EvidenceWriter, folder: SpoolFolder
) -> None:
    captured(writer, b"odd", b"fine")
    odd, fine = folder.waiting()
    held = folder.read(odd)
    assert held is not None
    folder.keep(odd, held.body, text=False, facts=held.facts | facts)
    Artifact.objects.all().delete()

    problem = look_after_spool()

    assert "in the spool" in problem
    assert folder.waiting() == [odd]
    assert read(Artifact.objects.select_related("blob").get(pk=fine)) == b"fine"


def test_what_is_no_longer_in_the_spool_becomes_a_gap(writer: EvidenceWriter, folder: SpoolFolder) -> None:
    (artifact,) = captured(writer, b"somebody emptied the folder")
    folder.drop(artifact.pk)

    look_after_spool()

    artifact.refresh_from_db()
    assert "no longer in the spool" in artifact.missing_reason
    assert not artifact.is_waiting


def test_what_waited_on_a_node_that_is_gone_for_long_becomes_a_gap(
    writer: EvidenceWriter, settings: Any
) -> None:
    (artifact,) = captured(writer, b"on a disk nobody sees again")
    assert spooled.give_up_lost() == 0

    Spool.objects.update(seen_at=timezone.now() - settings.ARTIFACTS_SPOOL_LOST - timedelta(minutes=1))

    assert spooled.give_up_lost() == 1
    artifact.refresh_from_db()
    assert "which is gone since" in artifact.missing_reason


def test_a_disk_that_broke_here_keeps_no_gap_of_a_lost_node_from_being_recorded(
    writer: EvidenceWriter, settings: Any, tmp_path: Path
) -> None:
    (artifact,) = captured(writer, b"on a disk nobody sees again")
    Spool.objects.update(seen_at=timezone.now() - settings.ARTIFACTS_SPOOL_LOST * 2)
    settings.ARTIFACTS_SPOOL_DIR = tmp_path / "broken"
    settings.ARTIFACTS_SPOOL_DIR.mkdir()
    (settings.ARTIFACTS_SPOOL_DIR / "id").write_text("no id")
    [path] = [chore.path for chore in CHORES if chore.name == "look-after-spools"]

    done = import_string(path)()

    assert done["lost"] == 1
    assert "could not be used in the spool" in done["problem"]
    artifact.refresh_from_db()
    assert "which is gone since" in artifact.missing_reason


def test_a_node_that_comes_back_after_it_was_given_up_delivers_all_the_same(
    writer: EvidenceWriter, settings: Any
) -> None:
    captured(writer, b"back from the dead")
    Spool.objects.update(seen_at=timezone.now() - settings.ARTIFACTS_SPOOL_LOST * 2)
    spooled.give_up_lost()

    look_after_spool()

    assert read(Artifact.objects.select_related("blob").get()) == b"back from the dead"


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


@pytest.mark.django_db(transaction=True)
def test_the_nodes_keeper_delivers_by_itself_what_a_former_node_left(version: AutomationVersion) -> None:
    _, claim = sample.claimed_run(version)
    store, folder = StoreThatIsAway(), spool_folder()
    captured(
        EvidenceWriter(claim=claim, store=store, outage=timedelta(seconds=1), spool=folder), b"of yesterday"
    )
    keeper = SpoolKeeper()

    keeper.start()
    wait_until(lambda: Artifact.objects.stored().exists(), what="the delivery")
    keeper.stop(within_seconds=10)

    assert folder.waiting() == []


def test_the_nodes_keeper_outlives_what_nobody_foresaw(
    folder: SpoolFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def breaks(_keeper: SpoolKeeper) -> str:
        looks.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr("runs.cluster.spool_keeper.OUTAGE_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(SpoolKeeper, "_look", breaks)
    keeper = SpoolKeeper()

    keeper.start()
    wait_until(lambda: len(looks) > 1, what="another look")
    keeper.stop(within_seconds=10)

    assert not keeper._thread.is_alive()
