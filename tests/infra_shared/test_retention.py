"""Every table has a stated end, and stored bytes go when nothing refers to them any more, never before."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.db import OperationalError, models
from django.db.models import ProtectedError
from django.utils.module_loading import import_string

from infra_shared import tasks
from infra_shared.blobs.django_store import artifact_store
from infra_shared.blobs.protocol import BlobStorageError, stored_name
from infra_shared.chores import CHORES
from infra_shared.clock import utc_now
from infra_shared.models import AuditLine, Blob, Deletion, OutboxMessage
from infra_shared.retention import Keep, Order, declared, sweeps
from infra_shared.services import audit
from infra_shared.services.blobs import remember_blob
from infra_shared.services.old_rows import sweep_audit, sweep_messages
from infra_shared.services.orphans import referrers, shelf_of, sweep_orphans, unreferenced
from infra_shared.services.pruning import prune
from infra_shared.sizes import in_words
from runs.cluster.chores_sync import declared_chores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.retention import Batch

NO_BLOBS = {
    "automations.AutomationVersion.digest",
    "automations.HealProposal.digest",
    "automations.Schedule.time_zone",
    "infra_shared.ApiKey.secret_sha256",
    "infra_shared.Blob.digest",
    "infra_shared.SpentFactorCode.digest",
    "intake.DeadLetter.sha256",
    "intake.Event.sha256",
    "intake.Match.params_digest",
    "runs.FailureFamily.digest",
    "runs.Run.request_digest",
}
"""Columns as wide as a digest that name no blob to be kept."""


def _orphans(**changes: Any) -> Any:
    order = Order(**{"now": utc_now() + timedelta(days=2), **changes})
    return prune(order, chosen={"orphans": sweep_orphans})


def _kept(body: bytes) -> Blob:
    return remember_blob(artifact_store().put(body, text=False))


class TestEveryTable:
    def test_every_model_there_is_has_a_stated_retention(self) -> None:
        there = {model._meta.label for model in apps.get_models(include_auto_created=True)}

        said = [item.model for item in declared()]

        assert sorted(said) == sorted(there)

    def test_a_model_kept_by_rule_names_the_sweep_or_the_chore_that_removes_its_rows(self) -> None:
        there = {chore.name for chore in declared_chores()}

        for item in declared():
            if item.keep is Keep.RULE:
                named = re.findall(r"\bchore ([a-z-]+)", item.words)
                assert item.sweep or named, item.model
                assert there.issuperset(named), item.model

    def test_every_declared_sweep_can_be_run(self, db: None) -> None:
        order = Order(now=utc_now(), shelves=["00"])

        done = prune(order)

        assert done.is_complete
        assert not done.problems
        assert len(sweeps()) > 10


class TestReferrers:
    def test_everything_that_refers_to_blobs_is_found_by_its_foreign_key(self) -> None:
        found = {f"{model._meta.label}.{field}" for model, field in referrers()}

        assert found == {
            "automations.UploadedFile.blob",
            "intake.Event.blob",
            "runs.Artifact.blob",
            "runs.Artifact.sealed_blob",
        }

    def test_no_column_names_a_blob_without_a_foreign_key(self) -> None:
        wide = {
            f"{model._meta.label}.{field.name}"
            for app in ("infra_shared", "automations", "runs", "intake")
            for model in apps.get_app_config(app).get_models()
            for field in model._meta.fields
            if isinstance(field, models.CharField) and field.max_length == 64 and not field.choices
        }

        assert wide - NO_BLOBS == set(), "Make it a ForeignKey to Blob, or say here what else it is."


@pytest.mark.django_db
class TestOrphans:
    def test_orphaned_bytes_go_with_their_row_and_are_noted(self) -> None:
        blob = _kept(b"nobody's")

        done = _orphans()

        assert done.total_rows == 1
        assert not artifact_store().exists(blob)
        assert not Blob.objects.exists()
        line = Deletion.objects.get()
        assert (line.what, line.rows, line.size_bytes) == ("stored bytes", 1, len(b"nobody's"))

    def test_a_file_without_a_row_goes_once_it_is_old(self) -> None:
        info = artifact_store().put(b"its process died before the row was written", text=False)

        assert _orphans(now=utc_now() + timedelta(hours=23)).total_rows == 0
        assert artifact_store().exists(info)
        assert _orphans().total_rows == 1
        assert not artifact_store().exists(info)

    def test_an_upload_under_way_is_never_swept(self, settings: Any) -> None:
        incoming = settings.ARTIFACTS_DIR / "incoming"
        incoming.mkdir(parents=True)
        (incoming / "half").write_bytes(b"half of it")

        assert _orphans(now=utc_now() + timedelta(hours=23)).total_rows == 0
        assert (incoming / "half").exists()
        assert _orphans().total_rows == 1
        assert not (incoming / "half").exists()

    def test_content_that_was_wanted_again_is_not_swept(self) -> None:
        _kept(b"the logo")
        Blob.objects.update(last_put_at=utc_now() - timedelta(days=9))

        blob = _kept(b"the logo")

        assert _orphans(now=utc_now()).total_rows == 0
        assert artifact_store().exists(blob)

    def test_bytes_put_between_the_row_and_the_file_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        blob, store = _kept(b"the logo"), artifact_store()
        later = utc_now() + timedelta(days=2)
        name = stored_name(blob.digest, blob.encoding)

        assert not store.remove_unwanted(name, before=utc_now() - timedelta(hours=1))

        assert store.exists(blob)
        assert unreferenced(shelf=blob.digest[:2], before=later).get() == blob

    def test_a_dry_run_counts_what_rows_and_files_would_go_and_touches_neither(self) -> None:
        blob = _kept(b"nobody's")

        done = _orphans(dry_run=True)

        assert done.total_rows == 1
        assert artifact_store().exists(blob)
        assert Blob.objects.exists()
        assert not Deletion.objects.exists()

    def test_each_shelf_has_its_turn_within_a_day(self) -> None:
        start = utc_now()

        turns = {shelf_of(start + timedelta(minutes=5 * number)) for number in range(24 * 12)}

        assert len(turns) == 256


@pytest.mark.django_db
class TestTheChore:
    def test_it_removes_old_rows_and_the_orphans_of_the_shelf_whose_turn_it_is(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = utc_now() + timedelta(days=40)
        monkeypatch.setattr(tasks, "database_now", lambda: now)
        bodies = (str(number).encode() for number in count())
        orphan = next(_kept(body) for body in bodies if sha256(body).hexdigest()[:2] == shelf_of(now))
        mail = _old_mail()
        [path] = [chore.path for chore in CHORES if chore.name == "remove-what-is-old"]

        done = import_string(path)()

        assert done["is_complete"]
        assert not artifact_store().exists(orphan)
        assert not Blob.objects.exists()
        assert not OutboxMessage.objects.filter(pk=mail.pk).exists()


@pytest.mark.django_db
class TestRounds:
    def test_a_store_that_does_not_answer_ends_its_sweep_and_no_other(self) -> None:
        def broken(order: Order) -> Iterator[Batch]:
            if order.shelves:
                raise BlobStorageError("The store is away.")
            yield []

        _old_mail()
        order = Order(now=utc_now() + timedelta(days=40))

        done = prune(order, chosen={"broken": broken, "mails": sweep_messages})

        assert done.problems == {"broken": "The store is away."}
        assert done.total_rows == 1

    def test_a_sweep_whose_deletion_the_database_refuses_ends_itself_and_no_other(self) -> None:
        def refused(_order: Order) -> Iterator[Batch]:
            yield []
            raise ProtectedError("Somebody refers to it.", set())

        _old_mail()
        order = Order(now=utc_now() + timedelta(days=40))

        done = prune(order, chosen={"refused": refused, "mails": sweep_messages})

        assert done.problems == {"refused": "The database refused it: ProtectedError."}
        assert done.total_rows == 1

    def test_a_database_that_is_away_ends_the_round(self) -> None:
        def away(_order: Order) -> Iterator[Batch]:
            yield []
            raise OperationalError("the connection is lost")

        with pytest.raises(OperationalError):
            prune(Order(now=utc_now()), chosen={"away": away})

    def test_sweeps_take_turns_so_that_none_starves_when_the_time_is_over(self) -> None:
        turns: list[str] = []

        def endless(name: str) -> Any:
            def sweep(_order: Order) -> Iterator[Batch]:
                while len(turns) < 100:
                    turns.append(name)
                    yield []

            return sweep

        done = prune(Order(now=utc_now()), chosen={"a": endless("a"), "b": endless("b")}, seconds=0.0)
        assert not done.is_complete
        prune(Order(now=utc_now()), chosen={"a": endless("a"), "b": endless("b")})

        assert turns[:4] == ["a", "b", "a", "b"]

    def test_a_dropped_mail_goes_when_one_that_failed_would(self) -> None:
        mail = _old_mail()
        OutboxMessage.objects.update(state="dropped", sent_at=None)
        day = timedelta(days=1)

        prune(Order(now=mail.created_at + 179 * day), chosen={"mails": sweep_messages})
        assert OutboxMessage.objects.exists()
        prune(Order(now=mail.created_at + 181 * day), chosen={"mails": sweep_messages})

        assert not OutboxMessage.objects.exists()

    def test_what_is_to_be_sent_outlives_every_rule(self) -> None:
        mail = _old_mail()
        OutboxMessage.objects.update(state="pending", next_attempt_at=mail.created_at, sent_at=None)

        prune(Order(now=utc_now() + timedelta(days=4000)), chosen={"mails": sweep_messages})

        assert OutboxMessage.objects.filter(pk=mail.pk).exists()

    def test_audit_lines_stay_as_long_as_the_setting_says(self, settings: Any) -> None:
        settings.AUDIT_KEPT = timedelta(days=100)
        audit.record(actor="command", action="a.b", object_kind="a", object_id=1, customer="acme")

        prune(Order(now=utc_now() + timedelta(days=99)), chosen={"audit": sweep_audit})
        assert AuditLine.objects.count() == 1
        prune(Order(now=utc_now() + timedelta(days=101)), chosen={"audit": sweep_audit})

        assert not AuditLine.objects.exists()
        assert Deletion.objects.get().customer == "acme"

    def test_many_old_rows_go_in_batches_of_five_hundred(self) -> None:
        line: dict[str, Any] = {
            "actor": "command",
            "action": "a.b",
            "object_kind": "a",
            "object_id": "1",
            "at": utc_now(),
        }
        AuditLine.objects.bulk_create(AuditLine(**line) for _ in range(1_200))

        prune(Order(now=utc_now() + timedelta(days=4000)), chosen={"audit": sweep_audit})

        assert list(Deletion.objects.order_by("pk").values_list("rows", flat=True)) == [500, 500, 200]
        assert not AuditLine.objects.exists()


def _old_mail() -> OutboxMessage:
    return OutboxMessage.objects.create(
        channel="email",
        recipient="a@example.com",
        subject="x",
        body_text="x",
        state="sent",
        sent_at=utc_now(),
    )


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (41_300_000_000, "41.3 GB"),
        (999_700, "1.00 MB"),
    ],
)
def test_bytes_are_told_with_three_figures(size: int, words: str) -> None:
    assert in_words(size) == words
