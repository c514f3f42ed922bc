"""The pages of retention, storage and deletions: what they say, who may change it, and what the audit log then says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from automations.models import Customer
from infra_shared.database import database_now
from infra_shared.models import AuditLine, Deletion
from infra_shared.retention import Order
from infra_shared.services.pruning import prune
from runs.errors import InvalidRequestError
from runs.models import RetentionRule, StorageDay, StorageQuota
from runs.retention_policy import Outcome
from runs.services.old_artifacts import sweep_artifacts
from runs.services.quotas import set_quota
from runs.services.retention_rules import set_rule
from runs.services.storage_use import recount
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.runs_factory import RunsFactory

RULES = "/admin/runs/retentionrule/"
STORAGE = "/admin/runs/storagequota/"
TRACES = {"kind": "trace", "outcome": "succeeded", "customer": "", "keep_days": "3"}


def test_the_retention_page_shows_the_whole_policy_with_what_was_set_in_it(console: Client) -> None:
    set_rule(kind="trace", outcome=Outcome.SUCCEEDED, customer=None, keep_days=3, actor="operator:anna")

    shown = console.get(RULES).text

    assert 'aria-label="Trace: change 3 days"' in shown
    assert 'aria-label="The whole run: change 365 days"' in shown
    assert shown.count('<span class="c-pill">set</span>') == 1


def test_a_retention_rule_is_set_changed_and_removed_on_its_pages(console: Client) -> None:
    assert console.post(f"{RULES}set/", TRACES).status_code == 302
    rule = RetentionRule.objects.get()
    assert (rule.keep_days, rule.set_by) == (3, "operator:anna")
    form = console.get(f"{RULES}set/?kind=trace&outcome=succeeded").text
    assert 'value="3"' in form

    console.post(f"{RULES}set/", {**TRACES, "keep_days": ""})
    rule.refresh_from_db()
    assert rule.keep_days is None
    assert "It will be kept 7 days again" in console.get(f"{RULES}{rule.pk}/remove/").text
    console.post(f"{RULES}{rule.pk}/remove/")

    assert not RetentionRule.objects.exists()
    actions = list(AuditLine.objects.values_list("action", flat=True))
    assert actions == ["retention.remove", "retention.set", "retention.set"]


def test_a_retention_rule_that_cannot_be_is_explained_at_its_field(console: Client) -> None:
    answer = console.post(f"{RULES}set/", {**TRACES, "kind": "run"})

    assert answer.status_code == 422
    assert "Runs stay 7 days or more" in answer.text


@pytest.mark.parametrize("page", [RULES, STORAGE])
def test_who_only_looks_sets_nothing(page: str, db: None) -> None:
    viewer = in_role("Operator")

    assert viewer.get(page).status_code == 200
    assert "set/" not in viewer.get(page).text
    assert viewer.post(f"{page}set/", TRACES).status_code == 403
    assert in_role("Engineer").get(f"{page}set/").status_code == 200


def test_an_operator_of_one_customer_sees_its_storage_alone_and_no_rules(runs_factory: RunsFactory) -> None:
    Customer.objects.create(key="acme", name="Acme")
    runs_factory.succeeded()
    runs_factory.succeeded(customer="acme")
    recount(now=database_now())
    set_quota(customer=Customer.objects.get(key="main"), most_bytes=5, actor="operator:anna")
    acmes = in_role("Engineer", customers=["acme"])

    shown = acmes.get(STORAGE).text

    assert "Acme" in shown
    assert "over its quota" not in shown
    assert acmes.get(RULES).status_code == 403
    refused = acmes.post(
        f"{STORAGE}set/", {"customer": Customer.objects.get(key="main").pk, "gigabytes": "1"}
    )
    assert refused.status_code == 422


def test_a_quota_beyond_every_store_is_refused(console: Client, runs_factory: RunsFactory) -> None:
    main = Customer.objects.get(pk=runs_factory.succeeded().customer_id)

    answer = console.post(f"{STORAGE}set/", {"customer": main.pk, "gigabytes": "99999999999999999999"})

    assert answer.status_code == 422
    assert "less than or equal to 1000000" in answer.text
    with pytest.raises(InvalidRequestError, match="At most"):
        set_quota(customer=main, most_bytes=10**30, actor="operator:anna")


def test_a_quota_is_set_and_removed_and_the_overview_says_who_is_full(
    console: Client, runs_factory: RunsFactory
) -> None:
    run = runs_factory.succeeded()
    recount(now=database_now())
    StorageDay.objects.update(total_bytes=2_000_000)

    assert (
        console.post(f"{STORAGE}set/", {"customer": run.customer_id, "gigabytes": "0.001"}).status_code == 302
    )

    quota = StorageQuota.objects.get()
    assert quota.most_bytes == 1_000_000
    overview = console.get("/admin/").text
    assert "Stored evidence" in overview
    assert "over its quota" in overview
    assert "a forecast needs three days of counting" in overview
    console.post(f"{STORAGE}{quota.pk}/remove/")
    assert not StorageQuota.objects.exists()
    assert "over its quota" not in console.get("/admin/").text


def test_the_overview_forecasts_what_will_be_stored_in_thirty_days(
    console: Client, runs_factory: RunsFactory
) -> None:
    customer, today = runs_factory.requested().customer, database_now().date()
    for ago in range(14):
        day = today - timedelta(days=ago)
        StorageDay.objects.create(customer=customer, day=day, total_bytes=10**9 * (50 - ago))

    shown = console.get("/admin/").text

    assert "<strong>50.0 GB</strong>" in shown
    assert "80.0 GB in 30 days, if it goes on as in the last 14" in shown
    assert shown.count("c-bar-p95") >= 30


def test_the_ledger_lists_what_was_removed_to_who_reaches_its_customer(runs_factory: RunsFactory) -> None:
    runs_factory.succeeded()
    prune(Order(now=database_now() + timedelta(days=20)), chosen={"artifacts": sweep_artifacts})
    line = Deletion.objects.first()
    assert line is not None

    shown = in_role("Viewer").get("/admin/infra_shared/deletion/").text

    assert "step_picture, by age" in shown
    hidden = in_role("Viewer", customers=["acme"], name="berta")
    assert "step_picture" not in hidden.get("/admin/infra_shared/deletion/").text
    assert hidden.get(f"/admin/infra_shared/deletion/{line.pk}/change/").status_code in (302, 404)


def test_a_run_page_says_that_its_files_were_removed_and_when(
    console: Client, runs_factory: RunsFactory
) -> None:
    run = runs_factory.succeeded()
    page = f"/admin/runs/run/{run.pk}/change/"
    assert "were removed" not in console.get(page).text

    prune(Order(now=database_now() + timedelta(days=20)), chosen={"artifacts": sweep_artifacts})

    assert "Files of this run were removed" in console.get(page).text
