"""What runs leave is kept as long as the rules say, and goes batch by batch."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automations.models import Customer
from infra_shared.blobs.protocol import BlobStorageError
from infra_shared.database import database_now
from infra_shared.ids import uuid7_at
from infra_shared.models import AuditLine, Blob, Deletion
from infra_shared.retention import Order
from infra_shared.services.pruning import prune
from runs.errors import InvalidRequestError, NoResultError
from runs.models import Artifact, Run
from runs.retention_policy import DEFAULTS, KINDS, QUARANTINED, RUN, Outcome, Policy
from runs.services.answers import pin_run, resolve_failure
from runs.services.cancelling import cancel_run
from runs.services.old_artifacts import old_artifacts, sweep_artifacts
from runs.services.outcomes import finish_succeeded
from runs.services.results import result_of
from runs.services.retention_rules import remove_rule, set_rule
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
ACTOR = "operator:anna"


def _prune(days: float, **changes: Any) -> int:
    """Remove what old files there are, so many days from now."""
    order = Order(now=database_now() + timedelta(days=days), **changes)
    return prune(order, chosen={"artifacts": sweep_artifacts}).total_rows


def test_the_default_policy_knows_every_kind_of_artifact_there_is() -> None:
    assert {*KINDS} == {*(str(kind) for kind in ArtifactKind), QUARANTINED, RUN}


@pytest.mark.parametrize("outcome", Outcome)
def test_a_run_stays_at_least_as_long_as_any_file_of_it_may(outcome: Outcome) -> None:
    policy = Policy({(ArtifactKind.DOWNLOAD, outcome.value, 7): 1000})

    assert policy.run_days(outcome, 7) == 1000
    assert policy.run_days(outcome) == DEFAULTS[RUN].of(outcome)


def test_retention_takes_what_a_success_showed_and_leaves_what_an_open_failure_did(
    runs_factory: RunsFactory,
) -> None:
    succeeded, failed = runs_factory.succeeded(), runs_factory.failed()

    assert _prune(13) == 0
    assert _prune(15) == 6

    assert not succeeded.artifacts.exists()
    assert failed.artifacts.count() == 6
    succeeded.refresh_from_db()
    assert succeeded.evidence_removed_at is not None


@pytest.mark.parametrize("outcome", Outcome)
def test_retention_keeps_each_kind_to_the_day_its_table_says_for_each_end(
    outcome: Outcome, runs_factory: RunsFactory
) -> None:
    run = _ended(outcome, runs_factory)
    run.artifacts.all().delete()
    kinds = [kind for kind in KINDS if kind != RUN]
    Artifact.objects.bulk_create(_file(run, kind) for kind in kinds)
    assert run.finished_at is not None

    for kind in kinds:
        due_at = run.finished_at + timedelta(days=DEFAULTS[kind].of(outcome))
        assert _old_names(kind, due_at - timedelta(minutes=5)) == []
        assert _old_names(kind, due_at + timedelta(minutes=5)) == [kind]


def test_retention_keeps_a_failure_that_was_resolved_shorter_than_an_open_one(
    runs_factory: RunsFactory,
) -> None:
    failed, resolved = runs_factory.failed(), runs_factory.failed()
    resolve_failure(run=resolved, actor=ACTOR, note="The shop was closed.")

    _prune(31)

    kinds = set(resolved.artifacts.values_list("kind", flat=True))
    assert kinds == {ArtifactKind.FAILURE_PICTURE}
    assert failed.artifacts.count() == 6


def test_a_pin_goes_before_every_rule_of_retention(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    pin_run(run=run, pinned=True, actor=ACTOR)

    assert _prune(5000) == 0

    pin_run(run=run, pinned=False, actor=ACTOR)
    assert _prune(5000) == 6


def test_retention_takes_nothing_of_a_run_that_has_not_ended(runs_factory: RunsFactory) -> None:
    runs_factory.running()
    runs_factory.asking()

    assert _prune(5000) == 0


def test_a_retention_rule_of_a_customer_goes_before_the_one_for_all(runs_factory: RunsFactory) -> None:
    other = Customer.objects.create(key="acme")
    mine, theirs = runs_factory.succeeded(), runs_factory.succeeded(customer="acme")
    for kind in (ArtifactKind.STEP_PICTURE, ArtifactKind.STEP_HTML):
        set_rule(kind=kind, outcome=Outcome.SUCCEEDED, customer=None, keep_days=3, actor=ACTOR)
        set_rule(kind=kind, outcome=Outcome.SUCCEEDED, customer=other, keep_days=None, actor=ACTOR)

    _prune(5000)

    assert not mine.artifacts.exists()
    assert theirs.artifacts.count() == 6
    line = AuditLine.objects.filter(action="retention.set").latest("id")
    assert (line.customer, line.details) == ("acme", {"keep_days": None})


def test_a_retention_rule_that_is_removed_lets_the_default_count_again(runs_factory: RunsFactory) -> None:
    runs_factory.succeeded()
    facts: Any = {"outcome": Outcome.SUCCEEDED, "customer": None, "actor": ACTOR}
    rules = [set_rule(kind=kind, keep_days=400, **facts) for kind in KINDS]
    assert _prune(50) == 0

    for rule in rules:
        remove_rule(rule=rule, actor=ACTOR)

    assert _prune(50) == 6


@pytest.mark.parametrize(
    ("kind", "outcome", "days", "field"),
    [
        ("films", "succeeded", 3, "kind"),
        ("trace", "lost", 3, "outcome"),
        ("trace", "succeeded", 0, "keep_days"),
        ("run", "succeeded", 6, "keep_days"),
    ],
)
def test_a_retention_rule_that_cannot_be_is_refused(kind: str, outcome: str, days: int, field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        set_rule(kind=kind, outcome=outcome, customer=None, keep_days=days, actor=ACTOR)

    assert refused.value.field == field


def test_a_quarantined_file_obeys_the_rule_of_quarantine_alone(runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    kept = run.artifacts.filter(kind=ArtifactKind.STEP_PICTURE).order_by("id")
    sealed = kept[0]
    Artifact.objects.filter(pk=sealed.pk).update(
        blob=None,
        sealed_blob=sealed.blob_id,
        missing_reason="It holds a secret.",
        quarantined_at=database_now(),
        quarantine_reason="It holds a secret.",
    )

    assert _prune(31) == 1

    assert not Artifact.objects.filter(pk=sealed.pk).exists()
    assert run.artifacts.count() == 5


def test_a_large_result_that_was_removed_is_not_said_never_to_have_been(runs_factory: RunsFactory) -> None:
    claim = runs_factory.claimed()
    kept = runs_factory.keep(claim, ArtifactKind.RESULT, "application/json", b'{"rows": []}')
    finish_succeeded(claim=claim, result=None, result_artifact=kept)
    run = Run.objects.get(pk=claim.attempt.run_id)
    assert result_of(run=run) == {"rows": []}

    assert _prune(91) == 1

    run.refresh_from_db()
    with pytest.raises(NoResultError, match="files of this run were removed on 2"):
        result_of(run=run)


def test_ten_thousand_files_go_in_batches_of_a_bounded_number_of_statements(
    runs_factory: RunsFactory,
) -> None:
    run = runs_factory.succeeded()
    made = database_now()
    Artifact.objects.bulk_create(
        Artifact(
            id=uuid7_at(made),
            run=run,
            kind=ArtifactKind.STEP_HTML,
            name="page",
            content_type="text/html",
            missing_reason="",
            blob_id=Blob.objects.values_list("pk", flat=True)[0],
            captured_at=made,
        )
        for _ in range(10_000)
    )

    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert _prune(20) == 10_006

    batches = Deletion.objects.count()
    assert batches <= 24
    assert len(asked) <= 20 * batches + 2 * len(KINDS)
    assert Deletion.objects.order_by("-rows")[0].rows == 500


def test_the_deletion_ledger_says_what_went_by_which_rule_for_whom(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    sizes = dict(run.artifacts.values_list("kind", "blob__stored_bytes"))

    _prune(20, actor="command")

    lines = {line.rule: line for line in Deletion.objects.all()}
    assert set(lines) == {"step_picture, by age", "step_html, by age"}
    pictures = lines["step_picture, by age"]
    assert (pictures.what, pictures.customer, pictures.rows, pictures.actor) == (
        "artifact",
        "main",
        3,
        "command",
    )
    assert pictures.size_bytes > sizes[ArtifactKind.STEP_PICTURE]


def test_artifacts_prune_needs_no_server_and_a_dry_run_removes_nothing(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    set_rule(
        kind=ArtifactKind.STEP_PICTURE, outcome=Outcome.SUCCEEDED, customer=None, keep_days=1, actor=ACTOR
    )
    past = database_now() - timedelta(days=2)
    for row in run.artifacts.all():
        Artifact.objects.filter(pk=row.pk).update(id=uuid7_at(past))
    Run.objects.filter(pk=run.pk).update(finished_at=past)

    told = [_command("prune", "--dry-run", "--json"), _command("prune", "--json")]

    assert [answer["dry_run"] for answer in told] == [True, False]
    lines = [next(line for line in answer["removed"] if line["what"] == "artifact") for answer in told]
    assert lines[0] == lines[1]
    assert lines[0]["rows"] == 3
    assert run.artifacts.count() == 3
    assert any(line["rule"] == "step_picture, by age" for line in _command("deletions", "--json"))


def test_the_page_of_retention_says_what_the_code_says() -> None:
    out = StringIO()
    call_command("artifacts", "reference", stdout=out)

    assert out.getvalue() == (settings.BASE_DIR / "docs" / "retention.md").read_text()


def test_artifacts_prune_ends_with_3_when_the_time_is_over(runs_factory: RunsFactory) -> None:
    with (
        patch("infra_shared.services.pruning.clock.monotonic", side_effect=count(0, 60)),
        pytest.raises(CommandError) as ended,
    ):
        call_command("artifacts", "prune", "--seconds", "1", "--json", stdout=StringIO())

    assert ended.value.returncode == 3


def test_artifacts_prune_ends_with_1_when_the_store_does_not_answer(
    runs_factory: RunsFactory,
) -> None:
    away = BlobStorageError("The store is away.")
    with (
        patch("infra_shared.services.orphans.artifact_store", side_effect=away),
        pytest.raises(CommandError) as ended,
    ):
        call_command("artifacts", "prune", stdout=StringIO(), stderr=StringIO())

    assert ended.value.returncode == 1


def _ended(outcome: Outcome, factory: RunsFactory) -> Run:
    """A run that ended so."""
    if outcome is Outcome.SUCCEEDED:
        return factory.succeeded()
    if outcome is Outcome.CANCELLED:
        run = factory.requested()
        cancel_run(run=run, actor=ACTOR)
        return Run.objects.get(pk=run.pk)
    run = factory.failed()
    if outcome is Outcome.RESOLVED:
        resolve_failure(run=run, actor=ACTOR, note="The shop was closed.")
    return run


def _file(run: Run, kind: str) -> Artifact:
    """The row of a file of this kind; its name is the kind."""
    assert run.finished_at is not None
    sealed: dict[str, Any] = {"quarantined_at": run.finished_at, "quarantine_reason": "It holds a secret."}
    return Artifact(
        run=run,
        kind=ArtifactKind.TRACE if kind == QUARANTINED else kind,
        name=kind,
        content_type="text/plain",
        missing_reason="It was not captured.",
        captured_at=run.finished_at,
        **(sealed if kind == QUARANTINED else {}),
    )


def _old_names(kind: str, now: datetime) -> list[str]:
    rows = old_artifacts(policy=Policy(), kind=kind, now=now)
    return [] if rows is None else list(rows.values_list("name", flat=True))


def _command(*arguments: str) -> Any:
    out = StringIO()
    call_command("artifacts", *arguments, stdout=out)
    return json.loads(out.getvalue())
