"""Triggers in the console: tried on stored events before they are saved, and while they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from intake import tasks
from intake.admin import trials
from intake.models import Match, Trigger
from runs.models import Run
from tests.support import intake
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

    from automations.models import AutomationVersion
    from intake.models import Source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]
TRIGGERS = "/admin/intake/trigger/"


@pytest.fixture
def typed(source: Source) -> dict[str, Any]:
    """A trigger as somebody types it."""
    return {
        "name": "Pushes",
        "source": source.pk,
        "automation": "sample",
        "event_type": "push",
        "filter": "count > `1`",
        "mapping": "{city: city, count: count}",
        "dedupe_every": "10",
        "dedupe_unit": "minutes",
        "is_enabled": "on",
    }


def page_of(trigger: Trigger, name: str = "change") -> str:
    return f"{TRIGGERS}{trigger.pk}/{name}/"


def test_a_trigger_is_tried_before_it_is_saved(console: Client, typed: dict[str, Any]) -> None:
    intake.stored({"city": "Riga", "count": 2})
    intake.stored({"city": "Oslo", "count": 1})
    intake.stored({"city": 7, "count": 3})

    tried = console.post(f"{TRIGGERS}new/", typed | {"try": "yes"})

    bad, other, good = tried.context["rows"]
    assert "would fail" in bad.pill
    assert bad.words == "city: Input should be a valid string"
    assert "no match" in other.pill
    assert "would start a run" in good.pill
    assert good.params == '{\n  "city": "Riga",\n  "count": 2\n}'
    assert not Trigger.objects.exists()
    assert not Run.objects.exists()


def test_what_was_tried_is_saved_by_the_button_beside_it(console: Client, typed: dict[str, Any]) -> None:
    answer = console.post(f"{TRIGGERS}new/", typed)

    trigger = Trigger.objects.get()
    assert answer.headers["Location"] == page_of(trigger)
    assert (trigger.filter, trigger.dedupe_seconds) == ("count > `1`", 600)
    assert console.get(page_of(trigger, "edit")).context["form"].initial["dedupe_every"] == 10


def test_an_expression_that_cannot_be_read_is_told_while_it_is_typed(
    console: Client, typed: dict[str, Any]
) -> None:
    intake.stored()

    part = console.post(f"{TRIGGERS}trial/", typed | {"name": "", "filter": "count >"})

    assert "Only when: " in part.text
    assert "<html" not in part.text
    refused = console.post(f"{TRIGGERS}new/", typed | {"filter": "count >"})
    assert (refused.status_code, set(refused.context["form"].errors)) == (422, {"filter"})
    assert refused.context["problems"]
    assert not Trigger.objects.exists()


def test_the_form_begins_with_an_event_and_is_tried_on_it_alone(
    console: Client, typed: dict[str, Any]
) -> None:
    event = intake.stored({"city": "Riga", "count": 9})
    intake.stored()

    form = console.get(f"{TRIGGERS}new/?event={event.pk}").context["form"]
    part = console.post(f"{TRIGGERS}trial/?event={event.pk}", typed)

    assert (form.initial["event_type"], form.initial["source"]) == ("push", event.source_id)
    assert [row.event for row in part.context["rows"]] == [event]


def test_an_expression_that_takes_long_is_tried_on_fewer_events(
    console: Client, typed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    intake.stored()
    monkeypatch.setattr(trials, "SECONDS", 0.0)

    part = console.post(f"{TRIGGERS}trial/", typed)

    assert part.context["left_out"] == 1


def test_a_rare_type_is_found_behind_many_others(console: Client, typed: dict[str, Any]) -> None:
    rare = intake.stored(headers=[["x-github-event", "release"]])
    for _ in range(trials.NEWEST):
        intake.stored()

    part = console.post(f"{TRIGGERS}trial/", typed | {"event_type": "rel*"})

    assert part.context["rows"][-1].event == rare
    assert "would start a run" in part.context["rows"][-1].pill


def test_the_page_says_what_it_made_of_events(
    console: Client, source: Source, version: AutomationVersion
) -> None:
    trigger = intake.trigger(source, version)
    intake.stored({"city": "Riga", "count": 0})
    tasks.route_events()

    page = console.get(page_of(trigger)).text

    assert "Input should be greater than or equal to 1" in page
    assert Match.objects.count() == 1


def test_a_trigger_is_deleted_after_asking(
    console: Client, source: Source, version: AutomationVersion
) -> None:
    trigger = intake.trigger(source, version)

    assert "cannot be brought back" in console.get(page_of(trigger, "remove")).text
    console.post(page_of(trigger, "remove"), {"reason": ""})

    assert Trigger.objects.get().deleted_at is not None
    assert console.get(page_of(trigger, "edit")).status_code == 404


def test_viewers_look_and_triggers_out_of_reach_are_not_there(
    source: Source, version: AutomationVersion, typed: dict[str, Any]
) -> None:
    trigger = intake.trigger(source, version)
    event = intake.stored()
    viewer, stranger = in_role("Viewer"), in_role("Engineer", customers=["acme"], name="eve")

    assert page_of(trigger, "edit") not in viewer.get(page_of(trigger)).text
    for path in ("new/", "trial/", f"{trigger.pk}/edit/", f"{trigger.pk}/remove/"):
        assert viewer.post(TRIGGERS + path, typed).status_code == 403
    assert stranger.get(page_of(trigger)).status_code == 404
    assert stranger.post(f"{TRIGGERS}{trigger.pk}/trial/", typed).status_code == 404
    assert stranger.post(f"{TRIGGERS}trial/?event={event.pk}", typed).context["hint"]
    assert stranger.post(f"{TRIGGERS}new/", typed).status_code == 422
