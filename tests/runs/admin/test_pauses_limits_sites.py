"""The pages of pauses, limits and sites, and the banner that is on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automations.models import Customer
from infra_shared.database import database_now
from infra_shared.models import AuditLine
from runs.models import EVERYTHING, Breaker, Limit, Pause, Site
from runs.services.pauses import pause
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

WHY = "The shop moves house."


def _pause(scope: str = EVERYTHING) -> Pause:
    return pause(scope=scope, reason=WHY, actor="operator:berta")[0]


def _open_site() -> Site:
    return Site.objects.create(
        origin="https://shop.example", breaker=Breaker.OPEN, probe_at=database_now(), failures=["x"]
    )


@pytest.mark.parametrize("page", ["", "runs/run/", "runs/node/", "runs/pause/"])
def test_every_page_says_what_is_paused_and_offers_to_resume(page: str, console: Client) -> None:
    row = _pause()

    shown = console.get(f"/admin/{page}").content.decode()

    assert "Everything is paused" in shown
    assert "by berta since" in shown
    assert WHY in shown
    assert f"/admin/runs/pause/{row.pk}/resume/" in shown


def test_a_viewer_sees_the_banner_without_the_button_and_may_not_press_it(db: None) -> None:
    row, viewer = _pause(), in_role("Viewer")

    shown = viewer.get("/admin/").content.decode()

    assert "Everything is paused" in shown
    assert "/resume/" not in shown
    assert viewer.post(f"/admin/runs/pause/{row.pk}/resume/").status_code == 403


def test_nobody_signed_in_sees_no_banner(db: None, client: Client) -> None:
    _pause()

    assert WHY not in client.get("/admin/login/").content.decode()


def test_an_operator_of_one_customer_pauses_that_one_alone(db: None) -> None:
    for key in ("acme", "other"):
        Customer.objects.create(key=key)
    of_others, of_all = _pause("customer:other"), _pause()
    acme = in_role("Operator", customers=["acme"])

    refused = acme.post("/admin/runs/pause/begin/", {"what": EVERYTHING, "reason": "r"})
    acme.post("/admin/runs/pause/begin/", {"what": "customer:acme", "reason": "r"})

    assert refused.status_code == 422
    assert Pause.objects.filter(scope="customer:acme").exists()
    assert acme.post(f"/admin/runs/pause/{of_others.pk}/resume/").status_code == 404
    acme.post(f"/admin/runs/pause/{of_all.pk}/resume/")
    assert Pause.objects.count() == 3


def test_a_site_is_paused_and_resumed_in_the_console(console: Client) -> None:
    console.post("/admin/runs/pause/begin/", {"what": "site", "site": "HTTPS://Shop.example/", "reason": WHY})
    row = Pause.objects.get(scope="site:https://shop.example")

    console.post(f"/admin/runs/pause/{row.pk}/resume/", {"reason": "done"})

    assert not Pause.objects.exists()
    assert AuditLine.objects.get(action="pause.end").actor == "operator:anna"


def test_a_pause_of_no_site_says_what_to_write(console: Client) -> None:
    answer = console.post("/admin/runs/pause/begin/", {"what": "site", "site": "shop", "reason": WHY})

    assert answer.status_code == 422
    assert "such as https://shop.example" in answer.content.decode()


def test_an_engineer_sets_changes_and_removes_a_limit(db: None) -> None:
    engineer = in_role("Engineer")
    engineer.post("/admin/runs/limit/set/", {"key": "site:https://shop.example", "most": "2"})
    row = Limit.objects.get()
    assert (row.key, row.most) == ("site:https://shop.example", 2)

    engineer.post(f"/admin/runs/limit/{row.pk}/set/", {"starts_per_minute": "30"})
    row.refresh_from_db()
    assert (row.most, row.starts_per_minute) == (None, 30)

    assert engineer.get(f"/admin/runs/limit/{row.pk}/change/").status_code == 200
    engineer.post(f"/admin/runs/limit/{row.pk}/remove/")
    assert not Limit.objects.exists()


def test_a_limit_of_nothing_is_refused_beside_its_field(console: Client) -> None:
    answer = console.post("/admin/runs/limit/set/", {"key": "shop", "most": "2"})

    assert answer.status_code == 422
    assert "names nothing that can be limited" in answer.content.decode()


def test_an_operator_closes_a_breaker_and_a_viewer_may_not(db: None) -> None:
    site = _open_site()
    address = f"/admin/runs/site/{site.pk}/reset/"
    assert in_role("Viewer").post(address).status_code == 403

    in_role("Operator").post(address, {"reason": "it is back"})

    site.refresh_from_db()
    assert site.breaker == Breaker.CLOSED


def test_the_numbers_of_a_breaker_are_changed(console: Client) -> None:
    site = _open_site()
    numbers = {"failures": "9", "window_seconds": "60", "pause_seconds": "30"}

    console.post(f"/admin/runs/site/{site.pk}/patience/", numbers)

    site.refresh_from_db()
    assert (site.open_after, site.window_seconds, site.pause_seconds) == (9, 60, 30)
    assert "Open" in console.get("/admin/runs/site/").content.decode()
