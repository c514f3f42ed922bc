"""The inbox: what came is shown as text whatever it is, what became of it in words, and once more by a button."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra_shared.database import database_now
from intake import tasks
from intake.models import Event, Replay
from runs.models import Run
from runs.services.cancelling import cancel_run
from tests.support import intake
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

    from automations.models import AutomationVersion
    from intake.models import Source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]
EVENTS = "/admin/intake/event/"
HOSTILE = "<script>document.title='owned'</script>"


def page_of(event: Event, name: str = "change") -> str:
    return f"{EVENTS}{event.pk}/{name}/"


def listed(client: Client, query: str = "") -> list[Event]:
    return list(client.get(f"{EVENTS}?{query}").context["cl"].result_list)


def end_runs() -> None:
    for run in Run.objects.unfinished():
        cancel_run(run=run, actor="operator:anna", reason="")


@pytest.fixture
def routed(source: Source, version: AutomationVersion) -> Event:
    """An event that started a run."""
    intake.trigger(source, version)
    event = intake.stored()
    tasks.route_events()
    return Event.objects.get(pk=event.pk)


def test_the_page_leads_from_the_edge_to_the_run_and_the_run_leads_back(
    console: Client, routed: Event
) -> None:
    run = Run.objects.get()

    answer = console.get(page_of(routed))

    page = answer.context["page"]
    assert page.headline == "It started a run"
    titles = [moment.title for moment in page.timeline]
    assert titles[:4] == ["The edge took it", "Waited in the queue", "Stored here", "Routed"]
    assert titles[4] == f"Run {run.short_id}: queued"
    assert f'href="/admin/runs/run/{run.pk}/change/"' in answer.text
    assert f'href="{page_of(routed)}"' in console.get(f"/admin/runs/run/{run.pk}/change/").text


def test_why_no_run_was_started_stands_on_the_page_and_in_the_list(
    console: Client, source: Source, version: AutomationVersion
) -> None:
    intake.trigger(source, version)
    event = intake.stored({"city": 7, "count": 0})
    tasks.route_events()

    why = "city: Input should be a valid string; count: Input should be greater than or equal to 1"
    assert console.get(page_of(event)).context["page"].sentence == why
    assert why in console.get(EVENTS).text


def test_a_hostile_body_is_text_on_the_page_and_bytes_in_the_file(console: Client, source: Source) -> None:
    body = json.dumps({"title": HOSTILE}).encode()
    event = intake.stored(body, content_type="text/html", headers=[["x-note", HOSTILE]])

    page = console.get(page_of(event)).text
    file = console.get(page_of(event, "body"))

    assert HOSTILE not in page
    assert page.count("&lt;script&gt;document.title") == 3
    assert file.content == body
    assert file.headers["Content-Type"] == "application/octet-stream"
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert file.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "body", [bytes(range(256)), b"\xff\xfe<b>", b"{" * 5000, b"", b"a\0b", b"x" * 300_000]
)
def test_a_body_of_any_bytes_has_a_page_and_comes_back_as_it_was(
    console: Client, source: Source, body: bytes
) -> None:
    event = intake.stored(body)

    assert console.get(page_of(event)).status_code == 200
    assert console.get(page_of(event, "body")).content == body


def test_the_inbox_is_narrowed_by_state_source_key_type_and_id(
    console: Client, routed: Event, source: Source
) -> None:
    other = intake.source("parcels")
    waiting = intake.stored(source="parcels", key="delivery:77", headers=[["x-github-event", "release"]])

    assert listed(console) == [waiting, routed]
    assert listed(console, "state__exact=pending") == [waiting]
    assert listed(console, f"source__id__exact={source.pk}") == [routed]
    assert listed(console, f"source__id__exact={other.pk}&state__exact=routed") == []
    assert listed(console, "q=delivery:77") == [waiting]
    assert listed(console, "q=rele") == [waiting]
    assert listed(console, f"q={routed.message_id}") == [routed]
    assert listed(console, "waiting=long") == []


def test_an_event_that_waits_too_long_is_found(console: Client, source: Source) -> None:
    event = intake.stored()
    Event.objects.update(stored_at=intake.RECEIVED_AT)

    assert listed(console, "waiting=long") == [event]


def test_a_replay_makes_a_new_run_and_the_same_form_twice_makes_one(console: Client, routed: Event) -> None:
    end_runs()
    form = console.get(page_of(routed)).context["replay_form"]
    sent = {"reason": "The shop was down.", "number": form.initial["number"]}

    console.post(page_of(routed, "replay"), sent)
    tasks.route_events()
    end_runs()
    again = console.post(page_of(routed, "replay"), sent, follow=True)

    assert "Nothing new was made" in again.text
    assert Replay.objects.get().reason == "The shop was down."
    assert Run.objects.count() == 2


def test_while_its_run_is_at_work_another_press_makes_nothing_new(console: Client, routed: Event) -> None:
    end_runs()
    console.post(page_of(routed, "replay"), {"number": 1})
    tasks.route_events()

    answer = console.post(page_of(routed, "replay"), {"number": 2}, follow=True)

    assert "Nothing new was made" in answer.text
    assert Run.objects.count() == 2


def test_an_event_that_waits_has_no_button_to_replay_it(console: Client, source: Source) -> None:
    event = intake.stored()

    assert not console.get(page_of(event)).context["can_replay"]
    assert "not been routed yet" in console.post(page_of(event, "replay"), {"number": 1}, follow=True).text


def test_many_are_looked_at_and_replayed_then_without_what_came_after(
    console: Client, source: Source, version: AutomationVersion
) -> None:
    events = [intake.stored() for _ in range(3)]
    tasks.route_events()
    intake.trigger(source, version)
    query = f"?source__id__exact={source.pk}&state__exact=ignored"

    look = console.get(f"{EVENTS}replay/{query}")
    intake.stored({"city": 1})
    before = look.context["form"].initial["before"]
    done = console.post(f"{EVENTS}replay/{query}", {"before": before, "reason": ""}, follow=True)

    assert look.context["plan"].total == len(events)
    assert "3 events will be routed again" in done.text
    tasks.route_events()
    assert Run.objects.count() == len(events)


@pytest.mark.parametrize("query", ["", "p=0", "waiting=long", "duplicates__gt=1"])
def test_many_are_not_replayed_by_what_cannot_be_kept(console: Client, source: Source, query: str) -> None:
    intake.stored()
    tasks.route_events()

    console.post(f"{EVENTS}replay/?{query}", {"before": database_now().isoformat()})

    assert not Replay.objects.exists()


def test_the_page_updates_itself_until_the_run_has_ended(console: Client, routed: Event) -> None:
    live = page_of(routed, "live")
    seen = console.get(page_of(routed)).context["page"].stamp

    assert console.get(f"{live}?seen={seen}").status_code == 204
    assert console.get(f"{live}?seen=older").status_code == 200
    end_runs()
    assert console.get(f"{live}?seen={seen}").status_code == 286


def test_each_trigger_is_tried_on_one_event_without_starting_anything(
    console: Client, source: Source, version: AutomationVersion
) -> None:
    event = intake.stored({"city": "Riga", "count": 3})
    intake.trigger(source, version, name="Fits")
    intake.trigger(source, version, name="Of another type", event_type="release")

    tried = console.get(page_of(event, "try")).context["tried"]

    assert [(trigger.name, row.params) for trigger, row in tried] == [
        ("Fits", '{\n  "city": "Riga",\n  "count": 3\n}'),
        ("Of another type", ""),
    ]
    assert not Run.objects.exists()


def test_viewers_look_and_events_out_of_reach_are_not_there(routed: Event) -> None:
    viewer, stranger = in_role("Viewer"), in_role("Operator", customers=["acme"], name="eve")

    assert "replay-ask" not in viewer.get(page_of(routed)).text
    for path in (page_of(routed, "replay"), f"{EVENTS}replay/?state__exact=routed"):
        assert viewer.post(path, {"number": 1}).status_code == 403
    assert listed(stranger) == []
    for name in ("change", "body", "live", "try"):
        assert stranger.get(page_of(routed, name)).status_code == 404
    assert stranger.post(page_of(routed, "replay"), {"number": 1}).status_code == 404
    look = stranger.get(f"{EVENTS}replay/?state__exact=routed")
    assert look.context["plan"].total == 0


def test_not_even_the_key_of_a_source_or_customer_out_of_reach_is_told(routed: Event) -> None:
    foreign = intake.source("secretive-sender", customer="secretive-bank")
    client = in_role("Operator", customers=["main"])

    for query in (f"source__id__exact={foreign.pk}", f"customer__id__exact={foreign.customer_id}"):
        assert "secretive" not in client.get(f"{EVENTS}replay/?{query}", follow=True).text


def test_a_list_asks_the_database_six_questions_at_most(
    console: Client, source: Source, version: AutomationVersion, django_assert_max_num_queries: Any
) -> None:
    intake.trigger(source, version)
    for _ in range(3):
        intake.stored()
    tasks.route_events()

    for path in ("event", "source", "trigger", "deadletter"):
        with django_assert_max_num_queries(OF_EVERY_PAGE + 6):
            assert console.get(f"/admin/intake/{path}/").status_code == 200


OF_EVERY_PAGE = 4
"""Session, operator, the operator's reach, and what is paused."""
