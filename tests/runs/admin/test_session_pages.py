"""The pages and the command of signed-in sessions: what is known is shown, what is kept never is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from automations.models import Customer
from infra_shared.models import AuditLine, SignedInSession
from infra_shared.services.alerts import alert
from infra_shared.sessions.rules import Granted, Guard, SessionKey, Wish
from runs.services.session_doors import CACHE
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import Client

PAGE = "/admin/infra_shared/signedinsession/"
CANARY = "canary-cookie-7719"
KEY = SessionKey("acme", "https://shop.example", "buyer")
DAY = timedelta(days=1)


def kept(key: SessionKey = KEY) -> SignedInSession:
    granted = CACHE.ask(key, Wish(holder="attempt:0", lease=DAY, max_age=DAY))
    assert isinstance(granted, Granted)
    CACHE.store(key, fence=granted.fence, state={"cookie": CANARY})
    return SignedInSession.objects.get(customer=key.customer, account=key.account)


def locked(key: SessionKey = KEY) -> SignedInSession:
    CACHE.ask(key, Wish(holder="attempt:0", lease=DAY, max_age=DAY))
    CACHE.give_up(key, holder="attempt:0", failure="Wrong password.", guard=Guard(most_failures=1))
    return SignedInSession.objects.get(customer=key.customer, account=key.account)


def test_the_pages_say_how_a_session_stands_and_never_what_is_kept(console: Client) -> None:
    row = kept()

    listed, shown = (
        console.get(PAGE).content.decode(),
        console.get(f"{PAGE}{row.pk}/change/").content.decode(),
    )

    assert "Signed in" in listed
    assert "https://shop.example" in shown
    assert CANARY not in listed + shown


def test_an_operator_ends_a_session_with_a_reason_in_the_audit_log(db: None) -> None:
    row, operator = kept(), in_role("Operator")

    operator.post(f"{PAGE}{row.pk}/end/", {"reason": "The account was stolen."})

    row.refresh_from_db()
    assert (row.stored_at, row.state) == (None, None)
    line = AuditLine.objects.get(action="session.end")
    assert (line.actor, line.customer, line.object_id) == ("operator:operator", "acme", KEY.name)
    assert line.reason == "The account was stolen."


def test_a_released_lock_lets_logins_of_the_session_be_tried_and_closes_its_alert(db: None) -> None:
    row, operator = locked(), in_role("Operator")
    told = alert(key=f"session:{KEY.name}", title="Logins failed", text="x")
    shown = operator.get(f"{PAGE}{row.pk}/change/").content.decode()

    operator.post(f"{PAGE}{row.pk}/release/", {"reason": ""})

    assert "Wrong password." in shown
    assert isinstance(CACHE.ask(KEY, Wish(holder="attempt:1", lease=DAY, max_age=DAY)), Granted)
    told.refresh_from_db()
    assert told.closed_at is not None
    assert AuditLine.objects.filter(action="session.release").exists()


def test_a_viewer_may_look_at_a_session_and_not_end_it(db: None) -> None:
    row, viewer = kept(), in_role("Viewer")

    assert "/end/" not in viewer.get(f"{PAGE}{row.pk}/change/").content.decode()
    assert viewer.post(f"{PAGE}{row.pk}/end/").status_code == 403


def test_a_session_of_another_customer_is_not_there(db: None) -> None:
    for key in ("acme", "other"):
        Customer.objects.create(key=key)
    foreign = kept(SessionKey("other", "https://shop.example", "stranger"))
    acme = in_role("Operator", customers=["acme"])

    assert "stranger" not in acme.get(PAGE).content.decode()
    assert acme.get(f"{PAGE}{foreign.pk}/change/").status_code == 404
    assert acme.post(f"{PAGE}{foreign.pk}/end/").status_code == 404
    foreign.refresh_from_db()
    assert foreign.stored_at is not None


def test_the_command_lists_ends_and_releases_sessions(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    kept()
    locked(SessionKey("acme", "shop", "locked"))

    call_command("sessions", "list", "--json")
    facts = {item["session"]: item for item in json.loads(capsys.readouterr().out)}
    call_command("sessions", "invalidate", KEY.name)
    call_command("sessions", "release", "acme/shop/locked")

    assert facts[KEY.name]["signed_in_at"]
    assert facts["acme/shop/locked"]["locked_until"]
    assert CACHE.read(KEY, max_age=DAY) is None
    assert not SignedInSession.objects.exclude(locked_until=None).exists()
    with pytest.raises(CommandError, match="sessions list"):
        call_command("sessions", "invalidate", "acme/shop/nobody")
