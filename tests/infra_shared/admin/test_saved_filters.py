"""Filters under a name: one's own alone, replaced by the same name, forgotten again, and on the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.models import AuditLine, SavedFilter
from infra_shared.services.saved_filters import MOST_KEPT, normal_query
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
RUNS, KEYS = "runs_run_changelist", "infra_shared_apikey_changelist"
SAVE = "/admin/filters/save/"


def save(client: Client, name: str, query: str = "state__exact=failed", page: str = RUNS) -> int:
    """Send the form above a list; returns the status."""
    return client.post(SAVE, {"page": page, "name": name, "query": query}).status_code


def test_a_filter_stands_above_its_list_for_its_owner_alone() -> None:
    anna, berta = in_role("Viewer", name="anna"), in_role("Viewer", name="berta")

    save(anna, "Failed at night", "p=3&state__exact=failed&o=1")

    assert 'href="?state__exact=failed"' in anna.get("/admin/runs/run/").text
    assert "Failed at night" not in anna.get("/admin/automations/schedule/").text
    assert "Failed at night" not in berta.get("/admin/runs/run/").text


def test_the_same_name_again_replaces_the_filter_and_both_are_on_the_record() -> None:
    client = in_role("Viewer")

    save(client, "Mine")
    save(client, "Mine", "cause__exact=api")

    assert [row.query for row in SavedFilter.objects.all()] == ["cause__exact=api"]
    assert AuditLine.objects.filter(action="saved_filter.save", actor="operator:viewer").count() == 2


def test_a_filter_is_forgotten_by_its_owner_and_by_nobody_else() -> None:
    owner, other = in_role("Viewer"), in_role("Admin")
    save(owner, "Mine")
    path = f"/admin/filters/{SavedFilter.objects.get().pk}/forget/"

    assert other.post(path).status_code == 404
    assert owner.get(path).status_code == 405
    assert SavedFilter.objects.exists()
    assert owner.post(path).status_code == 302
    assert not SavedFilter.objects.exists()
    assert AuditLine.objects.filter(action="saved_filter.forget").exists()


@pytest.mark.parametrize(
    ("name", "query"), [("", "a=b"), ("x" * 61, "a=b"), ("All", "p=2"), ("Long", "a=" + "b" * 2000)]
)
def test_what_is_no_filter_or_has_no_fitting_name_is_refused(name: str, query: str) -> None:
    assert save(in_role("Viewer"), name, query) == 302
    assert not SavedFilter.objects.exists()


def test_there_is_an_end_to_the_links_above_a_list() -> None:
    client = in_role("Viewer")

    for number in range(MOST_KEPT + 1):
        save(client, f"Filter {number}")

    assert SavedFilter.objects.count() == MOST_KEPT


def test_no_filter_is_kept_for_a_list_one_may_not_see() -> None:
    viewer = in_role("Viewer")

    assert save(viewer, "Keys", page=KEYS) == 403
    assert save(viewer, "Elsewhere", page="no_such_changelist") == 404


def test_the_same_filter_in_another_order_is_the_same() -> None:
    assert normal_query("b=2&a=1&p=4") == normal_query("a=1&b=2")
