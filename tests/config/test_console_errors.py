"""What the console says when something is not there, not allowed, or failed."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client

from tests.support.operators import in_role

pytestmark = pytest.mark.django_db
MISSING = "/admin/runs/run/00000000-0000-0000-0000-000000000000/cancel/"


def test_what_is_not_there_is_named_with_the_way_back() -> None:
    answer = in_role("Operator").get(MISSING)

    assert answer.status_code == 404
    assert "There is no run 00000000" in answer.text
    assert 'href="/admin/"' in answer.text


def test_a_stranger_at_a_wrong_address_is_told_nothing_of_the_console() -> None:
    text = Client().get("/no-such-place").text

    assert "Nothing has this address." in text
    assert "/admin/" not in text


def test_a_refusal_says_whom_to_ask() -> None:
    answer = in_role("Viewer").get("/admin/infra_shared/apikey/issue/")

    assert answer.status_code == 403
    assert "ask an administrator" in answer.text


def test_a_failure_of_the_server_needs_nothing_of_the_server_to_be_told() -> None:
    assert "tell whoever runs this system" in render_to_string("500.html")
