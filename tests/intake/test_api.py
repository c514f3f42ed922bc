"""What callers see of events: lists, bodies that never run, replays, triggers tried out."""

from __future__ import annotations

import pytest

from intake import tasks
from runs.models import Run
from tests.support import api, intake

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(source, version) -> api.Caller:
    """A caller with every scope, and a trigger that starts the sample."""
    intake.trigger(source, version)
    return api.Caller(api.key())


def test_an_event_says_what_became_of_it(caller) -> None:
    event = intake.stored()
    intake.stored(headers=[["x-github-event", "ping"]])
    tasks.route_events()

    listed = caller.get("/events?type=push&state=routed&source=shop").json()["items"]
    told = caller.get(f"/events/{event.pk}").json()

    assert [item["id"] for item in listed] == [str(event.pk)]
    assert told["matches"][0]["state"] == "ran"
    assert caller.get(f"/runs/{told['matches'][0]['run']}").json()["cause_ref"] == f"event:{event.pk}"
    assert told["headers"][0] == ["x-github-event", "push"]


def test_a_body_is_a_download_that_runs_nothing(caller) -> None:
    event = intake.stored(b"<script>alert(1)</script>", content_type="text/html")

    answer = caller.get(f"/events/{event.pk}/body")

    assert answer.content == b"<script>alert(1)</script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]


def test_a_replay_asked_for_twice_is_one(caller) -> None:
    event = intake.stored()
    api.problem(caller.post(f"/events/{event.pk}/replay"), 409)
    tasks.route_events()

    first = caller.post(f"/events/{event.pk}/replay", {"reason": "again"}, Idempotency_Key="k")
    tasks.route_events()
    second = caller.post(f"/events/{event.pk}/replay", Idempotency_Key="k")
    third = caller.post(f"/events/{event.pk}/replay")

    assert (first.status_code, second.status_code, third.status_code) == (201, 200, 200)
    assert first.json() == second.json() == third.json()
    assert Run.objects.count() == 2


def test_many_are_replayed_after_a_dry_run(caller) -> None:
    intake.stored()
    tasks.route_events()

    looked = caller.post("/events/replay", {"filter": {"source": "shop"}}).json()
    done = caller.post("/events/replay", {"filter": {"source": "shop"}, "dry_run": False}).json()

    assert (looked["total"], looked["replayed"], done["replayed"]) == (1, 0, 1)
    assert api.problem(caller.post("/events/replay", {"filter": {}}), 422)["errors"][0]["field"] == "filter"


def test_a_trigger_is_made_changed_and_tried_by_its_names(caller) -> None:
    intake.stored()
    said = {"source": "shop", "name": "Cities", "automation": "sample", "mapping": "{city: ref}"}

    tried = caller.post("/triggers/try", said).json()["items"]
    made = caller.post("/triggers", said)
    changed = caller.send("PATCH", f"/triggers/{made.json()['id']}", {"pinned_version": 1, "filter": "ref"})

    assert tried[0]["params"] == {"city": "refs/heads/main", "count": 1}
    assert made["Location"] == f"/api/v1/triggers/{made.json()['id']}"
    assert (changed.json()["pinned_version"], changed.json()["mapping"]) == (1, "{city: ref}")
    api.problem(caller.post("/triggers", said | {"automation": "none"}), 404)
    wrong = caller.send("PATCH", f"/triggers/{made.json()['id']}", {"filter": "a["})
    assert api.problem(wrong, 422)["errors"][0]["field"] == "filter"
