"""Helping a colleague who cannot sign in: who may, that it takes a reason, and that it is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from infra_shared.models import AuditLine
from infra_shared.services import operators
from tests.support.operators import in_role
from tests.support.sign_in import send_password, set_up

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "another-password-for-cara"


@pytest.fixture
def colleague() -> User:
    """An operator with a second factor."""
    found = get_user_model().objects.create_user("cara", password="a-password-for-cara", is_staff=True)
    client = Client()
    client.force_login(found)
    set_up(client, found)
    return found


def reset_url(operator: User) -> str:
    return reverse("admin:auth_user_reset_second_factor", args=[operator.pk])


def test_an_administrator_resets_a_colleagues_second_factor_with_a_reason(colleague) -> None:
    admin = in_role("Admin")
    shown = admin.get(reverse("admin:auth_user_change", args=[colleague.pk])).content.decode()

    without = admin.post(reset_url(colleague), {"reason": ""})
    admin.post(reset_url(colleague), {"reason": "lost the telephone, seen in person"})

    assert reset_url(colleague) in shown
    assert without.status_code == 422
    assert not operators.has_second_factor(colleague)
    line = AuditLine.objects.get(action="operator.reset_second_factor")
    assert (line.actor, line.reason) == ("operator:admin", "lost the telephone, seen in person")


@pytest.mark.parametrize("role", ["Viewer", "Operator", "Engineer"])
def test_nobody_else_resets_it(colleague, role) -> None:
    answer = in_role(role).post(reset_url(colleague), {"reason": "because"})

    assert answer.status_code in {403, 404}
    assert operators.has_second_factor(colleague)


def test_an_administrator_gives_roles_and_nothing_beyond_them(colleague, operator, console) -> None:
    def offered(client: Client, account: User) -> set[str]:
        answer = client.get(reverse("admin:auth_user_change", args=[account.pk]))
        return set(answer.context["adminform"].form.fields)

    admin, beyond = in_role("Admin"), {"is_superuser", "user_permissions", "is_staff"}

    assert offered(console, colleague) >= beyond
    assert not offered(admin, colleague) & beyond
    assert "groups" in offered(admin, colleague)
    # An account that may do everything is changed by its equals alone.
    for name in ("auth_user_change", "auth_user_password_change"):
        assert admin.post(reverse(f"admin:{name}", args=[operator.pk]), {}).status_code == 403


def test_an_administrator_does_not_reset_that_of_an_account_that_may_do_everything(operator) -> None:
    client = Client()
    client.force_login(operator)
    set_up(client, operator)

    assert in_role("Admin").post(reset_url(operator), {"reason": "because"}).status_code == 403
    assert operators.has_second_factor(operator)


def test_a_lock_is_ended_by_the_button(colleague) -> None:
    for _ in range(5):
        send_password(Client(), name="cara", password="wrong")
    assert operators.locked_names() == {"cara"}

    in_role("Admin").post(reverse("admin:auth_user_unlock", args=[colleague.pk]))

    assert operators.locked_names() == set()
    assert AuditLine.objects.filter(action="operator.unlock", actor="operator:admin").exists()


def test_a_new_password_for_a_colleague_ends_their_sessions_and_is_written_down(colleague) -> None:
    theirs = Client()
    theirs.force_login(colleague)
    url = reverse("admin:auth_user_password_change", args=[colleague.pk])
    body = {
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
        "usable_password": "true",
        "set-password": "1",
    }

    in_role("Admin").post(url, body)

    assert theirs.get("/admin/").status_code == 302
    assert AuditLine.objects.filter(action="operator.new_password", actor="operator:admin").count() == 1
