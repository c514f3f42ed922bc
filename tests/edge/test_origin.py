"""The Worker in front of this server: orders, a sender's webhook, and the event it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from config.local.processes import free_port, inherited, stop
from config.local.worker import START_SECONDS, worker_part
from intake.models import Event, SourceSecret
from intake.services.edge_letters import edge_status
from intake.services.edge_sync import plan_sync
from intake.services.sources import rotate_secret
from intake.services.trial_deliveries import send_webhook
from tests.support import intake, sample
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.edge, pytest.mark.timeout(240), pytest.mark.django_db(transaction=True)]
DELIVERY_SECONDS = 60


@pytest.fixture
def worker_url(needs_node, live_server, settings, tmp_path: Path):
    """The address of a Worker whose origin is this test's server; the settings know it."""
    port = free_port()
    keys = {
        "EDGE_KEYS": f"{intake.EDGE_KEY.key_id}:{intake.EDGE_KEY.secret.hex()}",
        "EDGE_CONTROL_KEYS": f"{intake.CONTROL_KEY.key_id}:{intake.CONTROL_KEY.secret.hex()}",
    }
    part = worker_part(
        folder=tmp_path / "edge",
        port=port,
        origin_url=live_server.url,
        environment=inherited(keys),
        log=tmp_path / "worker.log",
    )
    part.start()
    part.wait_until_ready(START_SECONDS)
    settings.EDGE_KEYS = (intake.EDGE_KEY,)
    settings.EDGE_CONTROL_KEYS = (intake.CONTROL_KEY,)
    settings.EDGE_WORKER_URL = f"http://127.0.0.1:{port}"
    yield settings.EDGE_WORKER_URL
    stop([part])


def test_what_a_sender_signed_is_an_event_after_a_sync_and_a_rotation_loses_none(
    worker_url, monkeypatch
) -> None:
    sample.install(monkeypatch)
    source = intake.source()
    assert not send_webhook(source=source, body=b'{"n": 0}', delivery_id="d-0").is_accepted

    call_command("edge", "sync")
    assert plan_sync().differences == ()
    assert edge_status()["sources"] == 1
    assert send_webhook(source=source, body=b'{"n": 1}', delivery_id="d-1", event_type="issues").is_accepted
    rotate_secret(source=source, actor="command")
    call_command("edge", "sync")
    large = b'{"n": "' + b"x" * 300_000 + b'"}'
    assert send_webhook(source=source, body=large, delivery_id="d-2", event_type="issues").is_accepted

    wait_until(lambda: Event.objects.count() == 2, DELIVERY_SECONDS, what="both events")
    first, second = Event.objects.select_related("blob").order_by("key")
    assert (first.key, first.type, bytes(first.body or b"")) == ("delivery:d-1", "issues", b'{"n": 1}')
    assert (second.size_bytes, second.blob is not None) == (len(large), True)
    assert not [name for name, _ in first.headers if "signature" in name]
    assert SourceSecret.objects.filter(last_used_at__isnull=False).count() == 2
