"""A site is redesigned; the run finds its way; an operator adopts how; the next run is as quick as before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from automations.models import Customer, HealProposal, TargetFingerprint
from automations.services.flows import publish_flow, version_of
from runs.models import Run, Step, WorkerProcess
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import TERMINAL_RUNS, Cause, RunState
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.console import Screen
    from tests.support.node import NodeUnderTest
    from tests.support.site import PracticeSite

RUN_SECONDS = 60
FLOW = """key: walk
params: {url: {type: url}}
targets:
  sign_in:
    css: "#sign-in" # the shop's own id
    role: button
    name: Sign in
stages:
  - name: enter
    effect: idempotent
    steps:
      - goto: "{{ params.url }}"
      - fill: {css: "#username", role: textbox, name: E-mail address}
        with: nobody@example.org
      - click: sign_in
"""


def tiers_of_a_run(url: str) -> list[str]:
    """Which tier found the field and the button, in a run that succeeded."""
    request = RunRequest(automation="walk", params={"url": url})
    run = request_run(request=request, origin=Origin(cause=Cause.COMMAND, actor="command")).run
    wait_until(lambda: Run.objects.filter(pk=run.pk, state__in=TERMINAL_RUNS).exists(), RUN_SECONDS)
    run.refresh_from_db()
    assert (run.state, run.failure_message) == (RunState.SUCCEEDED, "")
    return list(Step.objects.filter(attempt__run=run).order_by("index").values_list("tier", flat=True)[1:])


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(READY_SECONDS + 4 * RUN_SECONDS)
def test_a_renamed_layout_heals_is_adopted_and_the_dom_tier_works_again(
    screen: Screen, start_node: Callable[..., NodeUnderTest], practice_site: PracticeSite
) -> None:
    Customer.objects.get_or_create(key="main")
    start_node("--processes=1", "--no-chores", BROWSER_ALLOW_PRIVATE=practice_site.host_and_port)
    wait_until(WorkerProcess.objects.exists, READY_SECONDS, what="a worker process")
    publish_flow(text=FLOW, actor="operator:anna")
    rotated = f"{practice_site.url}/sign-in?fault=rotated_layout"

    assert tiers_of_a_run(f"{practice_site.url}/sign-in") == ["dom", "dom"]
    # Learned right after the run has ended.
    wait_until(lambda: TargetFingerprint.objects.count() == 2, what="the fingerprints")
    assert tiers_of_a_run(rotated) == ["axtree", "axtree"]
    wait_until(lambda: HealProposal.objects.count() == 2, what="the proposals")
    page = screen.open("/admin/")
    page.click("text=Click “Sign in”")
    for which in ("before", "now"):
        picture = page.locator(f"#heal-{which} img")
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    expect(page.locator("#heal-target")).to_contain_text("#sign-in")
    page.click(".c-tools >> text=Adopt")
    page.fill("[name=reason]", "The shop was redesigned.")
    page.click("button:text-is('Adopt')")
    expect(page.locator("body")).to_contain_text("It is adopted")

    assert tiers_of_a_run(rotated) == ["axtree", "dom"]
    adopted = HealProposal.objects.get(state="adopted")
    assert adopted.adopted_version == version_of(key="walk", number=2)
    assert "# the shop's own id" in version_of(key="walk").source
    assert tiers_of_a_run(f"{practice_site.url}/sign-in") == ["dom", "dom"]
