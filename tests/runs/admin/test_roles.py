"""Who may do what: buttons one may not press are not shown, and the server refuses all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automations.models import Customer
from infra_shared.models import AuditLine
from runs.models import Run
from tests.support.operators import in_role

if TYPE_CHECKING:
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db
PAGES = {
    "/admin/": "Viewer",
    "/admin/runs/run/": "Viewer",
    "/admin/runs/failurefamily/": "Viewer",
    "/admin/runs/node/": "Viewer",
    "/admin/runs/storagequota/": "Viewer",
    "/admin/runs/storagequota/set/": "Engineer",
    "/admin/runs/retentionrule/": "Viewer",
    "/admin/runs/retentionrule/set/": "Engineer",
    "/admin/infra_shared/signedinsession/": "Viewer",
    "/admin/infra_shared/alert/": "Viewer",
    "/admin/infra_shared/outboxmessage/": "Viewer",
    "/admin/infra_shared/outboxmessage/send-again/": "Operator",
    "/admin/infra_shared/outboxmessage/drop/": "Operator",
    "/admin/infra_shared/alertchannel/": "Engineer",
    "/admin/infra_shared/alertchannel/new/": "Engineer",
    "/admin/automations/automation/": "Viewer",
    "/admin/automations/automation/flows/reference/": "Viewer",
    "/admin/automations/automation/flows/new/": "Engineer",
    "/admin/automations/automation/flows/from-recording/": "Engineer",
    "/admin/automations/schedule/": "Viewer",
    "/admin/automations/healproposal/": "Viewer",
    "/admin/automations/schedule/new/": "Operator",
    "/admin/automations/credential/": "Engineer",
    "/admin/automations/credential/set/": "Engineer",
    "/admin/automations/customer/": "Viewer",
    "/admin/automations/customer/new/": "Engineer",
    "/admin/infra_shared/apikey/": "Engineer",
    "/admin/infra_shared/apikey/issue/": "Engineer",
    "/admin/infra_shared/auditline/": "Engineer",
    "/admin/auth/user/": "Admin",
    "/admin/auth/group/": "Admin",
}
ORDER = ("Viewer", "Operator", "Engineer", "Admin")


@pytest.mark.parametrize("role", ORDER)
def test_a_role_opens_its_pages_and_no_other(role: str, runs_factory: RunsFactory) -> None:
    client = in_role(role)

    opened = {path for path in PAGES if client.get(path).status_code == 200}

    assert opened == {path for path, least in PAGES.items() if ORDER.index(least) <= ORDER.index(role)}


@pytest.mark.parametrize("role", ORDER)
def test_the_menu_names_only_what_a_role_may_open(role: str, runs_factory: RunsFactory) -> None:
    client = in_role(role)

    text = client.get("/admin/").text

    lists = {path for path in PAGES if path.count("/") == 4 and "group" not in path}
    shown = {path for path in lists if f'href="{path}"' in text}
    assert shown == {path for path in lists if ORDER.index(PAGES[path]) <= ORDER.index(role)}


@pytest.mark.parametrize("action", ["rerun", "resolve", "pin"])
def test_a_viewer_sees_no_button_of_a_failure_and_is_refused(action: str, runs_factory: RunsFactory) -> None:
    run = runs_factory.failed()
    viewer, operator = in_role("Viewer"), in_role("Operator")
    page, path = f"/admin/runs/run/{run.pk}/change/", f"/admin/runs/run/{run.pk}/{action}/"

    assert path in operator.get(page).text
    assert path not in viewer.get(page).text
    assert viewer.post(path, {"note": "no", "pinned": "yes", "params-city": "Oslo"}).status_code == 403
    assert not AuditLine.objects.filter(action__startswith="run.").exclude(action="run.request").exists()


def test_what_belongs_to_another_customer_is_not_there(runs_factory: RunsFactory) -> None:
    Customer.objects.create(key="acme", name="Acme Logistics")
    mine, other = runs_factory.failed(customer="acme"), runs_factory.failed()
    client = in_role("Admin", customers=["acme"])
    picture = other.artifacts.exclude(blob=None)[0]

    paths = [f"/admin/runs/run/{other.pk}/{part}" for part in ("change/", "live/", "rerun/", "result.json")]
    paths.append(f"/admin/artifacts/{picture.pk}/view/")

    assert [client.get(path).status_code for path in paths] == [404] * len(paths)
    assert client.get(f"/admin/runs/run/{mine.pk}/change/").status_code == 200
    listed = client.get("/admin/runs/run/").text
    assert mine.short_id in listed
    assert other.short_id not in listed


def test_no_panel_or_page_shows_what_is_out_of_reach(runs_factory: RunsFactory) -> None:
    Customer.objects.create(key="acme", name="Acme Logistics")
    run = runs_factory.failed("The shop of Main was closed.")
    runs_factory.waiting_for_a_person()
    client = in_role("Operator", customers=["acme"])
    automation = runs_factory.version.automation

    paths = (
        "/admin/",
        "/admin/runs/failurefamily/",
        f"/admin/automations/automation/{automation.pk}/change/",
    )
    texts = [client.get(path).text for path in paths]

    assert not [text for text in texts if "The shop of Main" in text or str(run.pk) in text]


def test_a_run_cannot_be_asked_for_a_customer_out_of_reach(runs_factory: RunsFactory) -> None:
    Customer.objects.create(key="acme", name="Acme Logistics")
    client = in_role("Operator", customers=["acme"])
    path = f"/admin/automations/automation/{runs_factory.version.automation.pk}/run/"
    given = {"params-city": "Riga", "evidence_level": "default"}

    refused = client.post(path, {**given, "customer": "main"})
    client.post(path, {**given, "customer": "acme"})

    assert refused.status_code == 422
    assert [run.customer.key for run in Run.objects.all()] == ["acme"]


@pytest.mark.parametrize("path", ["/admin/infra_shared/apikey/issue/", "/admin/automations/credential/set/"])
def test_what_reaches_every_customer_is_closed_to_who_does_not(path: str, runs_factory: RunsFactory) -> None:
    assert in_role("Admin", customers=["main"]).get(path).status_code == 403
