"""The practice site's canvas page, worked through by sight alone: no selector, no role, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from webgraph.conditions import appears, disappears, reads, requested
from webgraph.flow import Automation, stage
from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME
from webgraph.recorder import Tier
from webgraph.target import Target

if TYPE_CHECKING:
    from tests.support.site import PracticeSite
    from tests.webgraph.conftest import Tried
    from webgraph.page import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
# Put in front of every Python process a test starts: whatever wants to reach the network ends it.
NO_NETWORK = """import socket
def refuse(*_given, **_named):
    raise SystemExit("the network was asked for")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
"""


class ApprovePayout(Automation):
    """Changes the amount, goes back once, and approves."""

    key = "approve-payout"
    cover_media = False  # the canvas shows no password, and is to be read
    credentials = ("shop",)
    site = ""

    @stage(effect="read")
    async def sign_in(self, page: Page) -> None:
        await page.goto(f"{self.site}/sign-in")
        await page.fill(Target(css="#username"), self.credential("shop")["username"])
        await page.fill(Target(css="#password"), self.credential("shop")["password"])
        await page.click(Target(css="#sign-in"), then=appears(Target(css="#sign-out")))
        await page.goto(f"{self.site}/tools/payouts")

    @stage(effect="commit")
    async def approve(self, page: Page) -> None:
        approve = Target(visible_text="Approve payout")
        await page.expect(Target(visible_text="Payout of 4,820.00 EUR"))
        await page.fill(
            Target(visible_text="Add a reference"), "Q4 rent", then=appears(Target(visible_text="Q4 rent"))
        )
        await page.click(approve, then=appears(Target(visible_text="Approve this payout?")))
        await page.click(
            Target(visible_text="Go back", near="Confirm"), then=disappears(Target(visible_text="Confirm"))
        )
        await page.click(approve)
        await page.click(
            Target(visible_text="Confirm"), then=requested("/tools/payouts/approve", method="POST")
        )
        await page.wait_for(reads(Target(visible_text="Payout approved"), "approved"))


def test_every_step_of_the_canvas_page_is_made_by_sight_without_a_network(
    attempt: Tried, practice_site: PracticeSite, monkeypatch, tmp_path
):
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(ApprovePayout, "site", practice_site.url)

    result = attempt(
        automation=ApprovePayout,
        allowed=(practice_site.host_and_port,),
        secrets={"shop": {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}},
        step_timeout_seconds=30.0,
    )

    assert result.failure is None
    by_sight = [step for step in attempt.memory.outcomes if step.index > 5]
    assert {step.tier for step in by_sight} == {Tier.VISION}
    assert practice_site.truth()["approvals"] == 1
    assert result.vision_steps == len(by_sight)
    assert not any(
        "webgraph.vision.child" in " ".join(child.cmdline()) for child in psutil.Process().children()
    )
