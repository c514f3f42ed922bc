"""A whole node dies while the store is away: what lay in its spool is delivered by its successor on that machine."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from infra_shared.models import Spool
from infra_shared.services.spools import spool_folder
from runs.models import Artifact, Run
from runs.states import RunState
from tests.support.node import READY_SECONDS
from tests.support.object_store import KEY, REGION, SECRET, ObjectStoreServer, new_bucket, storage_of
from tests.support.practice_node import busy, read_all_invoices
from tests.support.spooling import read
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.support.node import NodeUnderTest
    from tests.support.site import PracticeSite

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def node(
    start_practice_node: Callable[..., NodeUnderTest], own_object_store: ObjectStoreServer, settings: Any
) -> NodeUnderTest:
    """A node that keeps its artifacts in a bucket, and its spool where this test looks into it."""
    bucket = new_bucket(own_object_store.url)
    settings.STORAGES = {**settings.STORAGES, "artifacts": storage_of(own_object_store.url, bucket)}
    return start_practice_node(
        ARTIFACTS_S3_BUCKET=bucket,
        ARTIFACTS_S3_ENDPOINT_URL=own_object_store.url,
        ARTIFACTS_S3_REGION=REGION,
        ARTIFACTS_S3_ADDRESSING="path",
        ARTIFACTS_S3_ACCESS_KEY=KEY,
        ARTIFACTS_S3_SECRET_KEY=SECRET,
        ARTIFACTS_S3_TRIES="1",
        ARTIFACTS_SPOOL_DIR=str(settings.ARTIFACTS_SPOOL_DIR),
    )


def has_succeeded(run: Run) -> bool:
    return Run.objects.filter(pk=run.pk, state=RunState.SUCCEEDED).exists()


def in_the_spool() -> dict[UUID, bytes]:
    """What waits on the node's disk, by artifact."""
    folder = spool_folder()
    return {key: held.body for key in folder.waiting() if (held := folder.read(key)) is not None}


def kill_all_at_once(node: NodeUnderTest) -> None:
    """End every process of the node as when the power fails; what is on the disk stays."""
    tree = node.tree()
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):  # it went with the one before it
            process.kill()
    assert psutil.wait_procs(tree, timeout=10)[1] == []
    node.part.kill()


def test_a_node_killed_in_an_outage_of_the_store_loses_nothing_of_what_its_spool_held(
    node: NodeUnderTest, own_object_store: ObjectStoreServer, practice_site: PracticeSite
) -> None:
    through = read_all_invoices(practice_site)
    wait_until(Artifact.objects.stored().exists, READY_SECONDS, what="evidence in the store")
    own_object_store.stop()
    wait_until(partial(has_succeeded, through), READY_SECONDS, what="the end of the run the outage began in")
    cut = read_all_invoices(practice_site)
    wait_until(partial(busy, cut), READY_SECONDS, what="steps of the run that is cut off")
    wait_until(Artifact.objects.waiting().filter(run=cut).exists, READY_SECONDS, what="its evidence")

    kill_all_at_once(node)
    held = in_the_spool()
    known = set(Artifact.objects.waiting().values_list("pk", flat=True))
    own_object_store.start()
    node.part.start()

    wait_until(partial(has_succeeded, cut), READY_SECONDS, what="the end of the run that was cut off")
    wait_until(lambda: in_the_spool() == {}, READY_SECONDS, what="an empty spool")
    assert known <= held.keys()
    delivered = Artifact.objects.select_related("blob").in_bulk(held)
    assert {artifact.run_id for artifact in delivered.values()} == {through.pk, cut.pk}
    assert {key: read(artifact) for key, artifact in delivered.items()} == held
    assert list(Artifact.objects.exclude(missing_reason="").values_list("missing_reason", flat=True)) == []
    wait_until(Spool.objects.filter(files=0).exists, READY_SECONDS, what="the row of the empty spool")
