"""Sessions: how long they last, what ends them, and what a copy of their table is worth."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client

from infra_shared.models import AuditLine
from tests.support.console import NAME, PASSWORD
from tests.support.sign_in import send_password

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "another-password-for-anna"
PREVIEW = "/admin/automations/schedule/preview/"


@pytest.fixture
def signed_in(operator) -> Client:
    """A client that signed in by the form."""
    client = Client()
    send_password(client)
    return client


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/admin/infra_shared/auditline/", headers=headers).status_code == 200


def test_a_session_nobody_uses_ends_and_leads_back_to_where_it_was(signed_in, settings) -> None:
    with time_machine.travel(timedelta(hours=1, minutes=59)):
        assert is_in(signed_in)
    with time_machine.travel(timedelta(hours=3, minutes=58)):
        assert is_in(signed_in)
    with time_machine.travel(timedelta(hours=6)):
        answer = signed_in.get("/admin/infra_shared/auditline/", follow=True)

    assert answer.redirect_chain[0][0] == "/admin/login/?next=/admin/infra_shared/auditline/"
    assert "Your session has ended" in answer.content.decode()


def test_a_page_that_refreshes_itself_keeps_no_session_alive(signed_in) -> None:
    with time_machine.travel(timedelta(hours=1)):
        assert is_in(signed_in, **{"HX-Request": "true"})
    with time_machine.travel(timedelta(hours=2, minutes=1)):
        answer = signed_in.get("/admin/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


def test_a_form_sent_after_the_end_leads_back_to_its_page_and_says_that_nothing_was_taken(signed_in) -> None:
    page = "/admin/automations/credential/set/?name=shop"
    with time_machine.travel(timedelta(hours=3)):
        answer = signed_in.post(page, {}, headers={"Referer": f"http://testserver{page}"}, follow=True)

    assert answer.redirect_chain[0][0] == f"/admin/login/?next={quote(page)}"
    assert "What you sent was not taken" in answer.text


def test_a_form_sent_from_elsewhere_leads_to_the_overview(signed_in) -> None:
    with time_machine.travel(timedelta(hours=3)):
        answer = signed_in.post(
            "/admin/filters/save/", {}, headers={"Referer": "https://elsewhere.example/x"}
        )

    assert answer["Location"] == "/admin/login/?next=/admin/"


@pytest.mark.parametrize(
    ("method", "header", "word"), [("get", "HX-Refresh", "true"), ("post", "HX-Trigger", "signed-out")]
)
def test_a_part_of_a_page_never_becomes_the_sign_in(signed_in, method: str, header: str, word: str) -> None:
    signed_in.logout()

    answer = getattr(signed_in, method)(PREVIEW, headers={"HX-Request": "true"})

    assert (answer.status_code, answer[header], answer.content) == (204, word, b"")


def test_a_form_from_before_the_latest_sign_in_is_refused_with_what_to_do(operator) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    answer = client.post(PREVIEW, {})

    assert answer.status_code == 403
    assert "reload the page, and send it again" in answer.text


def test_a_session_in_constant_use_ends_after_twelve_hours(signed_in) -> None:
    for hour in range(1, 12):
        with time_machine.travel(timedelta(hours=hour)):
            assert is_in(signed_in)

    with time_machine.travel(timedelta(hours=12, minutes=1)):
        assert not is_in(signed_in)


def test_a_new_password_ends_all_other_sessions_and_is_written_down(signed_in, operator) -> None:
    other = Client()
    send_password(other)

    signed_in.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
    )

    assert (is_in(signed_in), is_in(other)) == (True, False)
    assert AuditLine.objects.filter(action="operator.new_password", actor="operator:anna").count() == 1


def test_signing_out_ends_the_session_and_is_written_down(signed_in) -> None:
    thief = Client()
    thief.cookies = signed_in.cookies.copy()

    signed_in.post("/admin/logout/")

    assert not is_in(thief)
    assert AuditLine.objects.filter(action="operator.sign_out", actor="operator:anna").count() == 1


def test_a_session_signed_with_the_key_before_goes_on_and_with_an_unknown_one_does_not(
    signed_in, settings
) -> None:
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key-" + "y" * 40, [old]
    assert is_in(signed_in)

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-third-key-" + "z" * 40, []
    assert not is_in(signed_in)


def test_a_thief_of_the_table_of_sessions_signs_in_with_none_of_them(signed_in) -> None:
    [row] = Session.objects.all()
    thief = Client()

    thief.cookies[django_settings.SESSION_COOKIE_NAME] = row.session_key

    assert signed_in.cookies[django_settings.SESSION_COOKIE_NAME].value != row.session_key
    assert not is_in(thief)


def test_an_async_page_meets_the_same_session(async_console) -> None:
    answer = async_to_sync(async_console.get)("/admin/infra_shared/auditline/")

    assert answer.status_code == 200


def test_the_session_gets_a_new_key_at_the_sign_in(operator) -> None:
    client = Client()
    client.get("/admin/login/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = str(session.session_key)

    send_password(client, name=NAME)

    assert client.cookies[django_settings.SESSION_COOKIE_NAME].value != session.session_key
