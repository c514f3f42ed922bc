"""How a node learns what browsers it has, and that `/metrics` says so."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from infra_shared.database import database_now
from runs.cluster.browser_census import BrowserCensus, browsers_below
from runs.models import Node
from runs.services import nodes
from runs.services.nodes import BrowsersSeen
from tests.support import sample
from tests.support.metrics import measured
from webgraph.browser import processes
from webgraph.browser.host import BrowserHost
from webgraph.browser.profile import BrowserProfile
from webgraph.browser.signed_profile import sign
from webgraph.network import AddressPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automations.models import AutomationVersion


@contextmanager
def open_context(host: BrowserHost) -> Iterator[None]:
    """While the block runs, the host has a context open."""
    lease = host.lease(sign(BrowserProfile(), {}), AddressPolicy())
    host.submit(lease.__aenter__()).result(timeout=30)
    try:
        yield
    finally:
        host.submit(lease.__aexit__(None, None, None)).result(timeout=30)


@pytest.mark.browser
def test_browsers_are_counted_weighed_and_told_from_those_before(browser_executable: str) -> None:
    before = set(browsers_below(os.getpid()))
    census = BrowserCensus(os.getpid())
    first = census.look()
    host = BrowserHost(browser_executable)
    host.start()

    with open_context(host):
        [browser] = set(browsers_below(os.getpid())) - before
        second = census.look()
        contexts = host.open_contexts
        processes.kill(processes.tree(browser))
        psutil.wait_procs([browser], timeout=10)
    with open_context(host):
        third = census.look()
    host.close()

    assert contexts == 1
    assert host.open_contexts == 0
    assert (second.running, third.running) == (first.running + 1, first.running + 1)
    assert (second.started, third.started) == (first.started + 1, first.started + 2)
    assert second.memory_bytes > first.memory_bytes + 20 * 1024 * 1024
    assert census.look().running == first.running


@pytest.mark.django_db
def test_the_browsers_of_nodes_at_work_are_measured_and_those_of_a_node_that_ended_are_not(
    version: AutomationVersion,
) -> None:
    worker, gone = sample.start_process(version), sample.start_process(version, pid=9)
    Node.objects.filter(pk=gone.node_id).update(heartbeat_at=database_now() - timedelta(hours=1))
    seen = BrowsersSeen(running=2, memory_bytes=3_000, started=7)

    nodes.beat_node(node_id=worker.node_id, browsers=seen)
    nodes.beat_process(process_id=worker.pk, browser_contexts=1)
    nodes.beat_node(node_id=worker.node_id)
    found = measured()

    assert found["automation_browsers"] == 2
    assert found["automation_browsers_memory_bytes"] == 3_000
    assert found["automation_browsers_started"] == 7
    assert found["automation_browser_contexts"] == 1
