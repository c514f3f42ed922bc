"""The second factor: set up before anything is seen, asked for at each sign-in, kept encrypted, good once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from infra_shared.models import AuditLine
from infra_shared.services import operators
from tests.support.console import NAME, PASSWORD
from tests.support.sign_in import Telephone, send_code, send_password, set_up, stored_seed

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _second_factor_needed(settings) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = True


@pytest.fixture
def telephone(operator: User) -> Telephone:
    """The telephone of an operator who has set up a second factor."""
    client = Client()
    send_password(client)
    return set_up(client, operator)[0]


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/runs/run/", "/api/v1/docs", "/admin/second-factor/codes/"]
)
def test_an_operator_without_one_is_led_to_the_set_up_before_seeing_anything(operator, path) -> None:
    client = Client()
    send_password(client)

    answer = client.get(path)

    assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_activate_totp"))


def test_whoever_set_one_up_goes_on_and_it_is_written_down(operator) -> None:
    client = Client()
    send_password(client)

    set_up(client, operator)

    assert client.get("/admin/").status_code == 200
    assert AuditLine.objects.filter(action="operator.set_up_second_factor", actor="operator:anna").exists()


def test_after_that_the_password_alone_opens_nothing(telephone) -> None:
    client = Client()

    answer = send_password(client)

    assert answer["Location"] == reverse("mfa_authenticate")
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert send_code(client, "000000").status_code == 422
    assert send_code(client, telephone.code())["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("between", ["", "-", " "])
def test_the_same_code_is_refused_a_second_time_in_another_process_too(telephone, settings, between) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    code = telephone.code()
    first, second = Client(), Client()
    send_password(first)
    send_password(second)

    assert send_code(first, code).status_code == 302
    assert send_code(second, between.join(code)).status_code == 422
    assert second.get("/admin/").status_code == 302


def test_only_five_codes_are_tried_in_five_minutes(telephone) -> None:
    client = Client()
    send_password(client)
    for _ in range(operators.CODE_TRIES):
        send_code(client, "000000")

    answer = send_code(client, telephone.code())

    assert "Too many codes were tried" in answer.content.decode()
    assert client.get("/admin/").status_code == 302


def test_recovery_codes_are_shown_once_and_open_the_door_once(operator) -> None:
    owner, again = Client(), Client()
    send_password(owner)
    _, codes = set_up(owner, operator)

    shown_again = owner.get(reverse("mfa_view_recovery_codes")).content.decode()
    send_password(again)

    assert len(codes) == 10
    assert not any(code in shown_again for code in codes)
    assert send_code(again, codes[0]).status_code == 302
    assert again.get("/admin/").status_code == 200
    third = Client()
    send_password(third)
    assert send_code(third, codes[0]).status_code == 422
    assert AuditLine.objects.filter(action="operator.use_recovery_code").count() == 1


def test_new_recovery_codes_end_the_old_ones_and_the_session_goes_on(operator) -> None:
    client = Client()
    send_password(client)
    _, old = set_up(client, operator)

    client.post(reverse("mfa_generate_recovery_codes"))
    new = client.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]

    assert not set(old) & set(new)
    assert client.get("/admin/").status_code == 200
    assert AuditLine.objects.filter(action="operator.new_recovery_codes").exists()


def test_new_recovery_codes_ask_for_the_password_when_it_was_given_long_ago(telephone, settings) -> None:
    client = Client()
    send_password(client)
    send_code(client, telephone.code())
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1

    answer = client.post(reverse("mfa_generate_recovery_codes"))

    assert answer["Location"].startswith(reverse("account_reauthenticate"))


def test_seeds_are_encrypted_in_every_table_also_while_they_are_set_up(operator) -> None:
    client = Client()
    send_password(client)
    pending = client.get(reverse("mfa_activate_totp")).context["form"].secret
    sessions = [json.dumps(row.get_decoded()) for row in Session.objects.all()]
    assert not any(pending in text for text in sessions)

    set_up(client, operator)

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT data FROM {Authenticator._meta.db_table}")
        stored = str(cursor.fetchall())
    assert stored_seed(operator) not in stored
    assert stored.count("fernet:") == 2


def test_seeds_follow_a_new_key(telephone, operator, settings) -> None:
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    call_command("secrets", "rotate")
    settings.FIELD_ENCRYPTION_KEYS = [new]

    client = Client()
    send_password(client)

    assert send_code(client, telephone.code()).status_code == 302


def test_a_reset_ends_the_sessions_and_the_next_sign_in_sets_up_a_new_one(telephone, operator) -> None:
    client = Client()
    send_password(client)
    send_code(client, telephone.code())

    call_command("operators", "reset-second-factor", NAME, reason="lost telephone")

    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    fresh = Client()
    send_password(fresh)
    assert fresh.get("/admin/")["Location"] == reverse("mfa_activate_totp")
    line = AuditLine.objects.get(action="operator.reset_second_factor")
    assert (line.actor, line.reason) == ("command", "lost telephone")


def test_a_session_that_began_before_the_factor_was_set_up_must_bring_it(operator) -> None:
    thief, owner = Client(), Client()
    send_password(thief)
    send_password(owner)
    set_up(owner, operator)

    answer = thief.get("/admin/")

    assert answer["Location"].startswith("/admin/login/")


def test_a_factor_that_is_there_cannot_be_replaced_by_who_is_signed_in(telephone) -> None:
    client = Client()
    send_password(client)
    send_code(client, telephone.code())

    answer = client.get(reverse("mfa_activate_totp"))

    assert answer["Location"] == "/admin/"


def test_nothing_of_allauth_is_there_but_what_is_needed(client) -> None:
    for path in (
        "signup/",
        "password/reset/",
        "email/",
        "second-factor/deactivate/",
        "second-factor/webauthn/",
    ):
        assert client.get(f"/admin/{path}").status_code in {302, 404}
        assert client.get(f"/accounts/{path}").status_code == 404


def test_where_it_is_not_asked_for_a_password_is_enough_unless_one_was_set_up(operator, settings) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = False
    client = Client()

    send_password(client, password=PASSWORD)

    assert client.get("/admin/").status_code == 200
    set_up(client, operator)
    assert send_password(Client())["Location"] == reverse("mfa_authenticate")
