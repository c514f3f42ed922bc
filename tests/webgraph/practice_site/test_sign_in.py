"""Who gets in, and what a reset forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webgraph.practice_site.accounts import DEMO_PASSWORD, DEMO_USERNAME

if TYPE_CHECKING:
    import httpx

GOOD = {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}


@pytest.mark.parametrize("path", ["/dashboard", "/invoices", "/invoices.csv", "/invoices/new", "/tools"])
def test_a_visitor_is_sent_to_sign_in_and_then_to_the_page_they_wanted(visitor: httpx.Client, path: str):
    refused = visitor.get(path)
    accepted = visitor.post(refused.headers["Location"], data=GOOD)

    assert refused.headers["Location"].startswith("/sign-in?next=")
    assert accepted.headers["Location"] == path
    assert visitor.get(path).status_code == 200


def test_a_wrong_password_is_refused_and_counted(visitor: httpx.Client):
    answer = visitor.post("/sign-in", data=GOOD | {"password": "guess"})

    assert answer.status_code == 401
    assert "Wrong e-mail address or password." in answer.text
    truth = visitor.get("/_truth").json()
    assert (truth["sign_ins"], truth["failed_sign_ins"]) == (0, 1)


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(visitor: httpx.Client, elsewhere: str):
    answer = visitor.post("/sign-in", params={"next": elsewhere}, data=GOOD)

    assert answer.headers["Location"] == "/dashboard"


def test_signing_out_ends_the_visit_on_the_server(member: httpx.Client):
    cookie = member.cookies["practice_session"]

    member.post("/sign-out")

    member.cookies.set("practice_session", cookie)
    assert member.get("/dashboard").status_code == 303


def test_a_reset_forgets_visits_creations_counts_and_faults(member: httpx.Client):
    form = {"customer": "Ada", "amount": "1", "currency": "EUR", "due_on": "2026-12-01"}
    member.post("/invoices/new", data=form)
    member.post("/_control/faults", json={"faults": ["503"]})

    member.post("/_control/reset")

    truth = member.get("/_truth").json()
    assert len(truth["invoices"]) == 200
    assert (truth["created"], truth["faults"], truth["requests"]) == ([], [], 0)
    assert member.get("/dashboard").status_code == 303


def test_the_code_on_somebody_s_phone_confirms_once(member: httpx.Client):
    assert "Code" in member.get("/tools/confirm").text
    (code,) = member.get("/_truth").json()["codes"]

    assert member.post("/tools/confirm", data={"code": "000000"}).status_code == 422
    assert "are confirmed" in member.post("/tools/confirm", data={"code": code}).text
    assert member.post("/tools/confirm", data={"code": code}).status_code == 303
    assert member.get("/_truth").json()["confirmations"] == 1
