"""The staff's area is as strict as a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp

from webgraph.practice_site.accounts import DEMO_PASSWORD
from webgraph.practice_site.staff import FAILURES_TO_LOCK, STAFF_SEED, STAFF_USERNAME

if TYPE_CHECKING:
    import httpx

GOOD = {"username": STAFF_USERNAME, "password": DEMO_PASSWORD}


def code() -> str:
    return pyotp.TOTP(STAFF_SEED).now()


def test_staff_get_in_with_password_and_code(visitor: httpx.Client):
    refused = visitor.get("/staff")
    accepted = visitor.post("/staff/sign-in", data=GOOD | {"code": code()})

    assert refused.headers["Location"] == "/staff/sign-in"
    assert accepted.headers["Location"] == "/staff"
    assert "2026-09" in visitor.get("/staff").text


def test_a_code_is_taken_once(visitor: httpx.Client):
    used = code()
    visitor.post("/staff/sign-in", data=GOOD | {"code": used})

    again = visitor.post("/staff/sign-in", data=GOOD | {"code": used})

    assert again.status_code == 401
    assert "used already" in again.text
    assert visitor.get("/_truth").json()["staff"]["reused_codes"] == 1


def test_failures_in_a_row_lock_the_account_for_the_right_password_too(visitor: httpx.Client):
    for _ in range(FAILURES_TO_LOCK):
        visitor.post("/staff/sign-in", data=GOOD | {"password": "guess", "code": code()})

    answer = visitor.post("/staff/sign-in", data=GOOD | {"code": code()})

    assert "locked" in answer.text
    assert visitor.get("/_truth").json()["staff"] == {
        "sign_ins": 0,
        "failed_sign_ins": FAILURES_TO_LOCK + 1,
        "reused_codes": 0,
        "is_locked": True,
    }


def test_ended_visits_have_to_sign_in_again(visitor: httpx.Client):
    visitor.post("/staff/sign-in", data=GOOD | {"code": code()})

    visitor.post("/_control/staff", json={"end_visits": True})

    assert visitor.get("/staff").headers["Location"] == "/staff/sign-in"
    assert visitor.post("/_control/staff", json={"keeps": "all"}).status_code == 422
