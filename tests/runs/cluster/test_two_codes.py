"""Two nodes with different code of one automation: each attempt runs what its run was pinned to."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from automations.models import AutomationVersion, Customer
from runs.models import Node, Run
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import TERMINAL_RUNS, Cause
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
CODE = '''
from pydantic import BaseModel
from webgraph.flow import Automation, stage

class Result(BaseModel):
    number: int

class TwoCodes(Automation):
    key = "two-codes"
    title = "Two codes"
    Result = Result

    @stage(effect="read")
    async def say(self, page):
        """Say which code this is."""
        return {{"number": {number}}}
'''


def code_folder(folder: Path, number: int) -> str:
    """A search path on which the package says `number`."""
    file = folder / f"code-{number}" / "two_codes" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.write_text(CODE.format(number=number))
    before = os.environ.get("PYTHONPATH", "")  # noqa: TID251 - handed on
    return os.pathsep.join(filter(None, [str(file.parent.parent), before]))


def versions() -> list[AutomationVersion]:
    """The versions of the automation, the oldest first."""
    return list(AutomationVersion.objects.filter(automation__key="two-codes").order_by("number"))


def has_versions(count: int) -> bool:
    return len(versions()) == count


def test_each_attempt_runs_the_code_its_run_was_pinned_to(start_node, tmp_path):
    Customer.objects.get_or_create(key="main")
    options = ("--processes=1", "--no-chores")
    for number in (1, 2):
        path = code_folder(tmp_path, number)
        start_node(*options, AUTOMATION_MODULES="two_codes", PYTHONPATH=path)
        wait_until(partial(has_versions, number), READY_SECONDS, what=f"version {number}")
    assert Node.objects.count() == 2
    origin = Origin(cause=Cause.COMMAND, actor="command")

    asked = [
        (number, request_run(request=RunRequest(automation="two-codes", version=version), origin=origin).run)
        for _ in range(3)
        for number, version in enumerate(versions(), start=1)
    ]
    wait_until(
        lambda: not Run.objects.exclude(state__in=TERMINAL_RUNS).exists(), READY_SECONDS, what="the ends"
    )

    assert [Run.objects.get(pk=run.pk).result for _, run in asked] == [
        {"number": number} for number, _ in asked
    ]
