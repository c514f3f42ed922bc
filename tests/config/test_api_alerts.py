"""Alerts over the API: listed within reach, taken on once, muted and unmuted."""

from __future__ import annotations

import pytest

from infra_shared.models import AuditLine
from infra_shared.services.alerts import Severity, alert, close_alert
from tests.support import api

pytestmark = pytest.mark.django_db
UNTIL = {"until": "2099-01-01T00:00:00Z", "reason": "The shop moves."}


@pytest.fixture
def alerts():
    """An open alert, one that is over, another customer's, and one of the system itself, by their titles."""
    alert(key="failure:1", title="broken", text="It failed.", customer="main", automation="sample")
    alert(key="failure:2", title="mended", text="It failed.", customer="main")
    close_alert(key="failure:2", reason="It works again.")
    alert(key="failure:3", title="foreign", text="It failed.", customer="other")
    return alert(key="queue:default", title="stuck", text="Nothing begins.", severity=Severity.CRITICAL)


def found(query: str = "", **key) -> list[str]:
    items = api.Caller(api.key(**key)).get(f"/alerts{query}").json()["items"]
    return [item["title"] for item in items]


def test_alerts_are_listed_and_filtered_within_reach(alerts) -> None:
    assert found() == ["mended", "broken"]
    assert found("?open=true") == found("?automation=sample") == ["broken"]
    assert found("?open=false") == ["mended"]
    assert found("?rule=queue") == found("?customer=other") == []
    everything = {"caller": "all", "customers": ["*"]}
    assert found("?open=true", **everything) == ["stuck", "foreign", "broken"]
    assert found("?severity=critical", **everything) == ["stuck"]


def test_an_alert_of_the_system_answers_404_to_a_key_of_some_customers(alerts) -> None:
    caller = api.Caller(api.key())

    api.problem(caller.get(f"/alerts/{alerts.pk}"), 404)
    api.problem(caller.post(f"/alerts/{alerts.pk}/mute", UNTIL), 404)
    alerts.refresh_from_db()
    assert alerts.muted_until is None


def test_an_alert_is_taken_on_once_with_its_note(world) -> None:
    caller, path = api.Caller(api.key()), f"/alerts/{world.alert.pk}/acknowledge"

    taken = caller.post(path, {"note": "I call the shop."}).json()

    assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", "caller:ci")
    assert taken["acknowledge_note"] == "I call the shop."
    assert "taken it on" in api.problem(caller.post(path), 409)["detail"]
    assert (
        AuditLine.objects.filter(action="alert.acknowledge", actor="caller:ci", customer="main").count() == 1
    )


def test_an_alert_is_muted_until_a_moment_ahead_and_unmuted(world) -> None:
    caller, path = api.Caller(api.key()), f"/alerts/{world.alert.pk}"

    refused = api.problem(caller.post(f"{path}/mute", {**UNTIL, "until": "2020-01-01T00:00:00Z"}), 422)
    muted = caller.post(f"{path}/mute", UNTIL).json()
    again = [caller.post(f"{path}/unmute").json()["state"] for _ in range(2)]

    assert [error["field"] for error in refused["errors"]] == ["until"]
    assert (muted["state"], muted["mute_reason"]) == ("muted", "The shop moves.")
    assert again == ["open", "open"]
    about = AuditLine.objects.about("alert", str(world.alert.pk)).filter(actor="caller:ci")
    actions = about.values_list("action", flat=True)
    assert sorted(actions) == ["alert.mute", "alert.unmute"]
