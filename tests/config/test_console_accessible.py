"""No page of the console has a serious accessibility problem, in light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runs.models import FailureFamily
from tests.support.axe import serious_problems

if TYPE_CHECKING:
    from tests.support.console import Screen
    from tests.support.runs_factory import RunsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
PAGES = (
    "/admin/",
    "/admin/runs/run/",
    "/admin/runs/failurefamily/",
    "/admin/runs/node/",
    "/admin/automations/automation/",
    "/admin/automations/schedule/",
    "/admin/automations/schedule/new/",
    "/admin/automations/schedule/new/shop-invoices/",
    "/admin/automations/credential/",
    "/admin/automations/credential/set/",
    "/admin/infra_shared/apikey/",
    "/admin/infra_shared/apikey/issue/",
    "/admin/infra_shared/auditline/",
    "/admin/auth/user/",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_accessibility_problem(
    screen: Screen, runs_factory: RunsFactory, scheme: str
) -> None:
    runs_factory.succeeded()
    failed, waiting = runs_factory.failed(), runs_factory.waiting_for_a_person()
    automation = runs_factory.version.automation
    family = FailureFamily.objects.get()
    paths = [
        *PAGES,
        f"/admin/runs/run/{failed.pk}/change/",
        f"/admin/runs/run/{failed.pk}/rerun/",
        f"/admin/runs/run/{failed.pk}/resolve/",
        f"/admin/runs/run/{waiting.pk}/change/",
        f"/admin/runs/run/{waiting.pk}/answer/",
        f"/admin/runs/failurefamily/{family.pk}/change/",
        f"/admin/automations/automation/{automation.pk}/change/",
        f"/admin/automations/automation/{automation.pk}/versions/1/",
    ]
    screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two words it takes

    found = {}
    for path in paths:
        page = screen.open(path)
        page.wait_for_load_state("networkidle")
        if problems := serious_problems(page):
            found[path] = problems

    assert found == {}
