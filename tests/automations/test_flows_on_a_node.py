"""A flow published while a node runs is run by that node, with a file too: it needs neither restart nor registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automations.models import Customer
from automations.services.flows import publish_flow
from runs.models import Run, Step, WorkerProcess
from runs.services.requests import Origin, RunRequest, request_run
from runs.states import TERMINAL_RUNS, Cause, RunState
from tests.support.api import send_file
from tests.support.node import READY_SECONDS
from tests.support.waiting import wait_until
from webgraph.practice_site.accounts import DEMO_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.node import NodeUnderTest
    from tests.support.site import PracticeSite

RUN_SECONDS = 60
FLOW = """key: read-heading
params: {url: {type: url}}
stages:
  - name: read
    effect: read
    steps:
      - goto: "{{ params.url }}"
      - text: {css: h1}
        into: heading
result:
  heading: {value: "{{ state.heading }}"}
"""

HAND_IN = """key: hand-in
params: {url: {type: url}, password: {}, invoice: {type: file}}
targets: {attachment: {css: "#attachment"}}
stages:
  - name: hand_in
    effect: read
    steps:
      - goto: "{{ params.url }}/sign-in?next=/invoices/new"
      - {fill: {css: "#username"}, with: demo@practice.example}
      - {fill: {css: "#password"}, with: "{{ params.password }}"}
      - {click: {css: "#sign-in"}, then: {appears: attachment}}
      - {upload: attachment, files: [{file: "{{ params.invoice }}"}]}
      - wait_for: {expression: "[...attachment.files].map(file => file.name + file.size).join() === 'march.pdf7'"}
"""


@pytest.mark.browser
@pytest.mark.timeout(READY_SECONDS + RUN_SECONDS + 30)
def test_a_running_node_runs_a_flow_that_is_published_later(
    start_node: Callable[..., NodeUnderTest], practice_site: PracticeSite
) -> None:
    Customer.objects.get_or_create(key="main")
    start_node("--processes=1", "--no-chores", BROWSER_ALLOW_PRIVATE=practice_site.host_and_port)
    wait_until(WorkerProcess.objects.exists, READY_SECONDS, what="a worker process")

    run = ran(FLOW, {"url": f"{practice_site.url}/sign-in"})

    assert run.result == {"heading": "Sign in to the back office"}
    assert list(Step.objects.filter(attempt__run=run).values_list("action", flat=True)) == ["goto", "text"]

    file = send_file(run.customer, b"total 7", "march.pdf")
    params = {"url": practice_site.url, "password": DEMO_PASSWORD, "invoice": str(file.pk)}
    assert ran(HAND_IN, params).artifacts.filter(kind="input").count() == 1


def ran(flow: str, params: dict[str, str]) -> Run:
    """Publish the flow and return its run when it has succeeded."""
    key = publish_flow(text=flow, actor="operator:anna").automation.key
    request = RunRequest(automation=key, params=params)
    run = request_run(request=request, origin=Origin(cause=Cause.COMMAND, actor="command")).run
    wait_until(lambda: Run.objects.filter(pk=run.pk, state__in=TERMINAL_RUNS).exists(), RUN_SECONDS)
    run.refresh_from_db()
    assert (run.state, run.failure_message) == (RunState.SUCCEEDED, "")
    return run
