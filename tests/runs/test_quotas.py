"""Who has more stored than agreed loses the oldest evidence first, and nothing that must stay."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import Sum

from automations.models import Customer
from infra_shared.database import database_now
from infra_shared.models import Alert, AuditLine
from infra_shared.retention import Order
from infra_shared.services.pruning import prune
from runs.errors import InvalidRequestError
from runs.models import Artifact, StorageDay, StorageQuota
from runs.services.answers import pin_run, resolve_failure
from runs.services.old_artifacts import sweep_artifacts
from runs.services.quotas import remove_quota, set_quota, sweep_over_quota
from runs.services.storage_outlook import read_outlooks
from runs.services.storage_use import bytes_now, recount
from runs.storage_forecast import forecast
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from runs.models import Run
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
ACTOR = "operator:anna"
DAY = timedelta(days=1)


def _size(*runs: Run) -> int:
    return sum(run.artifacts.aggregate(size=Sum("blob__stored_bytes"))["size"] or 0 for run in runs)


def _main(most_bytes: int) -> StorageQuota:
    return set_quota(customer=Customer.objects.get(key="main"), most_bytes=most_bytes, actor=ACTOR)


def _alerts() -> QuerySet[Alert]:
    return Alert.objects.open().of_rules("storage")


def _sweep(days: float, **changes: Any) -> int:
    order = Order(now=database_now() + timedelta(days=days), **changes)
    return prune(order, chosen={"quota": sweep_over_quota}).total_rows


def test_over_its_quota_a_customer_loses_the_oldest_evidence_of_successes_first(
    runs_factory: RunsFactory,
) -> None:
    first, second, failed = runs_factory.succeeded(), runs_factory.succeeded(), runs_factory.failed()
    recount(now=database_now())
    _main(_size(first, second, failed) - 1)

    assert _sweep(2) == 1

    assert (first.artifacts.count(), second.artifacts.count(), failed.artifacts.count()) == (5, 6, 6)


def test_a_quota_takes_evidence_of_successes_first_then_of_mended_failures_then_files_then_old_failures(
    runs_factory: RunsFactory,
) -> None:
    claim = runs_factory.claimed()
    file = runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/csv", b"a,b" * 100)
    runs_factory.finish(claim)
    failed, mended = runs_factory.failed(), runs_factory.failed()
    resolve_failure(run=mended, actor=ACTOR, note="The shop was closed.")
    recount(now=database_now())
    done = claim.attempt.run
    files = Artifact.objects.filter(pk=file.pk)
    evidence = done.artifacts.exclude(pk=file.pk)
    groups = [evidence, mended.artifacts.all(), files, failed.artifacts.all()]
    left = _size(done, failed, mended)

    for number, group in enumerate(groups):
        left -= group.aggregate(size=Sum("blob__stored_bytes"))["size"]
        _main(max(left, 1))
        _sweep(40)
        assert [rows.exists() for rows in groups] == [False] * (number + 1) + [True] * (3 - number)


def test_a_quota_takes_nothing_pinned_and_no_open_failure_within_its_month(runs_factory: RunsFactory) -> None:
    pinned, failed, succeeded = runs_factory.succeeded(), runs_factory.failed(), runs_factory.succeeded()
    pin_run(run=pinned, pinned=True, actor=ACTOR)
    recount(now=database_now())
    _main(1)

    _sweep(29)

    assert (pinned.artifacts.count(), failed.artifacts.count(), succeeded.artifacts.count()) == (6, 6, 0)
    alert = _alerts().get()
    assert alert.title == "Main has more stored than its quota"
    assert alert.customer == "main"
    assert _sweep(31) == 6
    assert not failed.artifacts.exists()


def test_a_quota_takes_no_quarantined_file(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    sealed = run.artifacts.latest("pk")
    Artifact.objects.filter(pk=sealed.pk).update(
        blob=None,
        sealed_blob=sealed.blob_id,
        missing_reason="It holds a secret.",
        quarantined_at=database_now(),
        quarantine_reason="It holds a secret.",
    )
    recount(now=database_now())
    _main(1)

    assert _sweep(2) == 5
    assert run.artifacts.get() == sealed


def test_a_quota_takes_nothing_younger_than_a_day_nor_of_a_run_under_way(runs_factory: RunsFactory) -> None:
    runs_factory.succeeded()
    runs_factory.running()
    recount(now=database_now())
    _main(1)

    assert _sweep(0.9) == 0
    assert _sweep(1.1) == 6


def test_a_quota_that_fits_closes_its_alert(runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    recount(now=database_now())
    quota = _main(_size(run))
    _sweep(2)
    assert _alerts().get().title == "Main has nearly used up its quota"

    remove_quota(quota=quota, actor=ACTOR)
    _sweep(2)

    assert not _alerts().exists()
    actions = list(AuditLine.objects.filter(object_kind="quota").values_list("action", flat=True))
    assert actions == ["quota.remove", "quota.set"]


def test_a_dry_run_says_what_a_quota_would_take(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()
    recount(now=database_now())
    _main(_size(run) - 1)

    assert _sweep(2, dry_run=True) == 1
    assert run.artifacts.count() == 6
    assert not _alerts().exists()


def test_the_quota_of_the_installation_counts_for_who_has_none_of_its_own(
    runs_factory: RunsFactory, settings: Any
) -> None:
    settings.STORAGE_QUOTA_BYTES = 1
    runs_factory.succeeded()
    recount(now=database_now())

    assert _sweep(2) == 6


def test_a_quota_of_nothing_is_refused(runs_factory: RunsFactory) -> None:
    with pytest.raises(InvalidRequestError, match="remove the quota"):
        _main(0)


def test_what_is_stored_is_counted_by_day_and_counted_down_when_it_goes(runs_factory: RunsFactory) -> None:
    run, now = runs_factory.succeeded(), database_now()
    recount(now=now)
    row = StorageDay.objects.get()
    assert (row.day, row.kept_bytes, row.kept_files) == (now.astimezone(UTC).date(), _size(run), 6)
    assert row.total_bytes == row.kept_bytes

    prune(Order(now=now + 20 * DAY), chosen={"artifacts": sweep_artifacts})
    row.refresh_from_db()
    assert (row.kept_bytes, row.kept_files) == (0, 0)

    recount(now=now + 500 * DAY)
    assert not StorageDay.objects.filter(day=row.day).exists()


def test_the_first_count_goes_back_to_the_oldest_artifact(runs_factory: RunsFactory) -> None:
    run = runs_factory.succeeded()

    recount(now=database_now() + 40 * DAY)

    assert bytes_now() == {run.customer_id: _size(run)}


def test_an_outlook_says_when_a_quota_will_be_used_up(runs_factory: RunsFactory) -> None:
    customer, today = runs_factory.requested().customer, database_now().astimezone(UTC).date()
    for ago in range(10):
        total = 1000 - 50 * ago
        StorageDay.objects.create(customer=customer, day=today - ago * DAY, total_bytes=total)
    _main(1200)

    [outlook] = read_outlooks(customers=["main"])

    assert outlook.in_a_month == 1000 + 30 * 50
    assert outlook.days_left == 5
    assert read_outlooks(customers=["acme"]) == []


def test_a_forecast_is_the_line_through_the_last_days_and_says_nothing_too_early() -> None:
    assert forecast([(1, 10), (2, 20)]).after(30) is None
    assert forecast([(1, 10), (2, 20), (3, 30)]).after(30) == 330
    assert forecast([(1, 30), (2, 20), (3, 10)]).after(30) == 0
    assert forecast([(1, 10), (2, 10), (3, 10)]).days_until(11) is None
    assert forecast([(1, 10), (2, 10), (3, 12)]).days_until(11) == 0
    assert forecast([]).after(30) is None
