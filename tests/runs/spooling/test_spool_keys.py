"""Sealed files that wait on a node come under the newest key there, and nobody says before that the old one may go."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from infra_shared.blobs.django_store import artifact_store
from infra_shared.models import Spool
from infra_shared.sealing import unsealed
from infra_shared.services.spools import host_name, spool_folder
from runs.cluster.spool_keeper import look_after_spool
from runs.models import Artifact
from runs.services import spooled
from tests.support.spooling import SECRET, StoreThatIsAway, captured

if TYPE_CHECKING:
    from runs.evidence_writer import EvidenceWriter

pytestmark = pytest.mark.django_db
SPOOLED = "runs.Artifact.spool"


@pytest.fixture
def outage(away: StoreThatIsAway, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The store is away from the node's keeper too, until this is undone."""
    monkeypatch.setattr("runs.cluster.spool_keeper.artifact_store", lambda: away)
    return monkeypatch


@pytest.fixture
def ring(settings: Any) -> Any:
    """The key ring; `add` puts a new key before the others, as who rotates does, `drop_old` takes the others out."""

    class Ring:
        def add(self) -> None:
            settings.FIELD_ENCRYPTION_KEYS = [
                Fernet.generate_key().decode(),
                *settings.FIELD_ENCRYPTION_KEYS,
            ]

        def drop_old(self) -> None:
            settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]

        def replace(self, keys: list[str]) -> list[str]:
            before: list[str] = settings.FIELD_ENCRYPTION_KEYS
            settings.FIELD_ENCRYPTION_KEYS = keys
            return before

    return Ring()


def check() -> None:
    """Ask whether the old keys may go; CommandError when not."""
    call_command("secrets", "rotate", "--check", stdout=io.StringIO())


def tally() -> dict[str, Any]:
    out = io.StringIO()
    call_command("secrets", "status", "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())["places"][SPOOLED]
    return found


def plain(artifact: Artifact) -> bytes:
    """What is in the sealed file that waits for an artifact, by the keys there are now."""
    held = spool_folder().read(artifact.pk)
    assert held is not None
    return b"".join(unsealed(io.BytesIO(held.body)))


def test_the_old_key_may_go_only_once_the_node_has_its_sealed_files_under_the_newest(
    writer: EvidenceWriter, outage: pytest.MonkeyPatch, ring: Any
) -> None:
    sealed, _ = captured(writer, SECRET.encode(), b"harmless")
    with pytest.raises(CommandError, match=f"wait on {host_name()}"):
        check()  # its node has not told of it
    look_after_spool()
    check()
    ring.add()

    with pytest.raises(CommandError, match=r"1 values are under .* `manage.py artifacts deliver` there"):
        check()
    look_after_spool()

    check()
    ring.drop_old()
    assert plain(sealed) == SECRET.encode()
    assert tally() == {
        "newest": 1, "older": 0, "unreadable": 0, "rotated": 0, "lost_at": [], "held_at": [],
    }  # fmt: skip


def test_what_is_delivered_after_a_rotation_can_be_read_with_the_newest_key_alone(
    writer: EvidenceWriter, ring: Any
) -> None:
    captured(writer, SECRET.encode())
    ring.add()

    assert look_after_spool() == ""

    ring.drop_old()
    check()
    sealed = Artifact.objects.select_related("sealed_blob").get().sealed_blob
    assert sealed is not None
    with artifact_store().open(sealed) as reader:
        assert b"".join(unsealed(reader)) == SECRET.encode()  # type: ignore[arg-type]  # it is read, nothing else


def test_a_full_spool_has_room_for_new_keys_and_its_oldest_file_stays_as_old(
    writer: EvidenceWriter, away: StoreThatIsAway, ring: Any, settings: Any
) -> None:
    (sealed,) = captured(writer, SECRET.encode())
    settings.ARTIFACTS_SPOOL_BYTES = 0
    ring.add()
    before = spool_folder().state().oldest_at

    spooled.deliver(folder=spool_folder(), store=away, seconds=5)

    ring.drop_old()
    assert plain(sealed) == SECRET.encode()
    assert spool_folder().state().oldest_at == before


def test_a_sealed_file_no_key_fits_is_counted_and_left_as_it_is(
    writer: EvidenceWriter, outage: pytest.MonkeyPatch, ring: Any
) -> None:
    (sealed,) = captured(writer, SECRET.encode())
    before = ring.replace([Fernet.generate_key().decode()])

    look_after_spool()

    assert (tally()["unreadable"], tally()["lost_at"]) == (1, [f"a file on {host_name()}"])
    ring.replace(before)
    assert plain(sealed) == SECRET.encode()


def test_a_node_that_was_given_up_needs_no_old_key(
    writer: EvidenceWriter, outage: pytest.MonkeyPatch, ring: Any, settings: Any
) -> None:
    captured(writer, SECRET.encode())
    look_after_spool()
    ring.add()
    Spool.objects.update(seen_at=timezone.now() - settings.ARTIFACTS_SPOOL_LOST - timedelta(minutes=1))

    spooled.give_up_lost()

    check()
