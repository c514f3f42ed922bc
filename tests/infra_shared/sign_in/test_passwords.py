"""Sign-in by password: who is let in, who is locked out, and what a stranger can learn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.test import Client

from infra_shared.models import AuditLine
from infra_shared.services import operators
from infra_shared.tasks import purge_sign_ins
from tests.support.console import NAME, PASSWORD
from tests.support.sign_in import send_password

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "192.0.2.2"}


def fail(times: int, *, name: str = NAME, **about: str) -> list[int]:
    return [send_password(Client(), name=name, password="wrong", **about).status_code for _ in range(times)]


def test_the_right_password_opens_the_page_that_was_asked_for_and_is_written_down(operator) -> None:
    client = Client()
    asked = client.get("/admin/runs/run/")

    answer = client.post(asked["Location"], {"username": NAME, "password": PASSWORD})

    assert answer["Location"] == "/admin/runs/run/"
    assert client.get("/admin/runs/run/").status_code == 200
    assert AuditLine.objects.filter(actor="operator:anna", action="operator.sign_in").count() == 1


def test_the_sign_in_leads_to_no_other_site(operator) -> None:
    answer = Client().post(
        "/admin/login/?next=https://elsewhere.example/", {"username": NAME, "password": PASSWORD}
    )

    assert answer["Location"] == "/admin/"


def test_five_failures_lock_a_name_for_an_address_alone(operator) -> None:
    assert fail(5, **HERE) == [422, 422, 422, 422, 429]

    assert send_password(Client(), **HERE).status_code == 429
    assert send_password(Client(), **ELSEWHERE).status_code == 302


def test_the_lock_page_says_when_to_try_again_and_a_further_try_does_not_extend_it(operator) -> None:
    fail(5, **HERE)
    until = operators.locked_until(username=NAME, address="192.0.2.1")

    page = send_password(Client(), **HERE)

    assert "Try again in 15 minutes" in page.content.decode()
    assert "manage.py operators unlock" in page.content.decode()
    assert 0 < int(page["Retry-After"]) <= 900
    assert operators.locked_until(username=NAME, address="192.0.2.1") == until


def test_a_lock_ends_by_itself_and_by_the_command(operator, settings) -> None:
    fail(5, **HERE)
    fail(5, **ELSEWHERE)

    call_command("operators", "unlock", NAME)
    assert send_password(Client(), **HERE).status_code == 302

    fail(5, **HERE)
    settings.AXES_COOLOFF_TIME = timedelta(0)
    assert send_password(Client(), **HERE).status_code == 302
    assert AuditLine.objects.filter(action="operator.unlock", actor="command").count() == 1


def test_a_stranger_cannot_tell_a_name_that_is_there_from_one_that_is_not(operator) -> None:
    there = [send_password(Client(), name=NAME, password="wrong", **HERE) for _ in range(5)]
    not_there = [send_password(Client(), name="nobody", password="wrong", **HERE) for _ in range(5)]

    def seen(answers: list[Any]) -> list[Any]:
        return [
            (answer.status_code, answer.context.get("form") and answer.context["form"].errors)
            for answer in answers
        ]

    assert seen(there) == seen(not_there)


@pytest.mark.parametrize("changed", [{"is_active": False}, {"is_staff": False}])
def test_an_account_that_is_no_operators_is_answered_like_a_wrong_password(operator, changed) -> None:
    signed_in = Client()
    signed_in.force_login(operator)
    type(operator).objects.update(**changed)

    answer = send_password(Client())

    assert answer.status_code == 422
    assert "do not go together" in answer.content.decode()
    assert signed_in.get("/admin/").status_code == 302


def test_a_password_typed_as_the_name_is_stored_nowhere(operator) -> None:
    typed = "my-password-in-the-wrong-field"
    fail(5, name=typed, **HERE)

    stored = str(list(AccessAttempt.objects.values())) + str(list(AuditLine.objects.values()))

    assert AccessAttempt.objects.exists()
    assert typed not in stored
    assert "wrong" not in stored


def test_one_address_may_fail_only_so_often_a_minute_whatever_the_names(operator, settings) -> None:
    settings.SIGN_IN_FAILURES_PER_MINUTE = 3
    statuses = [send_password(Client(), name=f"name-{number}", **HERE).content for number in range(4)]

    assert "Too many failed sign-ins" in statuses[-1].decode()
    assert "Too many failed sign-ins" in send_password(Client(), **HERE).content.decode()
    assert send_password(Client(), **ELSEWHERE).status_code == 302


def test_behind_a_proxy_the_address_is_the_one_rate_limits_count(operator, settings) -> None:
    settings.TRUSTED_PROXIES = 1
    proxy = {"REMOTE_ADDR": "10.0.0.1"}
    fail(5, **proxy, HTTP_X_FORWARDED_FOR="6.6.6.6, 2001:db8::1")

    same_network = send_password(Client(), **proxy, HTTP_X_FORWARDED_FOR="2001:db8::2")
    other = send_password(Client(), **proxy, HTTP_X_FORWARDED_FOR="2001:db8:1::1")

    assert (same_network.status_code, other.status_code) == (429, 302)


def test_failed_sign_ins_that_lock_nobody_any_more_are_pruned(operator, settings) -> None:
    fail(2, **HERE)
    assert purge_sign_ins() == 0

    settings.AXES_COOLOFF_TIME = timedelta(0)

    assert purge_sign_ins() == 1
    assert not AccessAttempt.objects.exists()
