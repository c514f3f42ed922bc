"""What the console says when something is not there, not allowed, or failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.test import Client

from config.refusals import bad_request, forbidden, not_found
from tests.support.operators import in_role

if TYPE_CHECKING:
    from django.test import RequestFactory
    from pytest_django import DjangoAssertNumQueries

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


def test_a_wrong_address_asks_the_database_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Its page is made in a thread that keeps the connection it takes, so that wrong addresses would use up all of them."""
    client = in_role("Viewer")

    with django_assert_num_queries(0):
        answer = client.get("/no-such-place")

    assert (answer.status_code, 'href="/admin/"' in answer.text) == (404, True)


def test_no_refusal_asks_the_database_anything(
    rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rf.cookies[settings.SESSION_COOKIE_NAME] = "somebodys-session"
    request = rf.get("/admin/")
    for middleware in (SessionMiddleware, AuthenticationMiddleware):
        middleware(lambda _: HttpResponse()).process_request(request)

    with django_assert_num_queries(0):
        answers = [
            forbidden(request, PermissionDenied()),
            not_found(request, Http404("There is no such run.")),
            bad_request(request, SuspiciousOperation()),
        ]

    assert [answer.status_code for answer in answers] == [403, 404, 400]
    assert ['href="/admin/"' in answer.text for answer in answers] == [True, True, False]


def test_without_the_console_no_page_leads_there(rf: RequestFactory, settings) -> None:
    settings.REVIEW_UI = False
    rf.cookies[settings.SESSION_COOKIE_NAME] = "somebodys-session"

    assert 'href="/admin/"' not in not_found(rf.get("/no-such-place"), Http404()).text
