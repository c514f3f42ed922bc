"""The README's webhook, as its reader sends it: through the Worker, the queue and the origin to a picture."""

from __future__ import annotations

import re
import shlex

import pytest

from config.env import BASE_DIR
from config.local.api_client import ApiClient
from config.local.system import throwaway_system

pytestmark = [
    pytest.mark.edge,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("needs_node"),
]
SOON_SECONDS = 120
COMMAND = re.compile(r"^python manage\.py (hooks send .*)$", re.MULTILINE)


def test_the_webhook_of_the_readme_becomes_an_event_a_match_a_run_and_a_picture() -> None:
    command = COMMAND.findall((BASE_DIR / "README.md").read_text())[0]
    with throwaway_system(edge=True, WORKER_PROCESSES="1") as system:
        api = ApiClient(system.web_url, system.accounts("ensure")["key"])
        system.start_site()
        system.manage("demo", "prepare", "--site-url", system.site_url)
        system.manage("hooks", "demo", "--site-url", system.site_url)
        system.start()
        system.start_edge()

        said = system.manage(*shlex.split(command))
        (event,) = api.wait(
            lambda: list(api.items("/events?state=routed")), seconds=SOON_SECONDS, what="the event"
        )
        (match,) = api.get(f"/events/{event['id']}")["matches"]
        run = api.wait_for_run(match["run"], seconds=SOON_SECONDS)

        assert "through the edge Worker" in said
        assert (event["type"], match["state"], run["state"]) == ("push", "ran", "succeeded")
        picture = next(
            item for item in api.items(f"/runs/{run['id']}/artifacts") if item["kind"] == "step_picture"
        )
        assert len(api.content(f"/artifacts/{picture['id']}/content")) == picture["size_bytes"] > 0
