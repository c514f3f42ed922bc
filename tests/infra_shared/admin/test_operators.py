"""Accounts of operators in the console: made there whole, and never showing how a password is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import reverse

from automations.services.customers import create_customer
from infra_shared.models import AuditLine, OperatorReach
from tests.support.operators import in_role

pytestmark = pytest.mark.django_db
NEW = "/admin/auth/user/add/"
PASSWORD = "a-password-for-olga"


def test_a_new_operator_is_made_whole_on_one_page() -> None:
    admin = in_role("Admin")
    create_customer(key="acme", actor="command")
    viewer = Group.objects.get(name="Viewer")
    entered = {"username": "olga", "password1": PASSWORD, "password2": PASSWORD}

    shown = admin.get(NEW).text
    answer = admin.post(NEW, {**entered, "groups": [viewer.pk], "customers": "acme"})

    assert all(f'name="{name}"' in shown for name in (*entered, "groups", "customers"))
    olga = get_user_model().objects.get(username="olga")
    assert answer.status_code == 302
    assert (olga.is_staff, [group.name for group in olga.groups.all()]) == (True, ["Viewer"])
    assert OperatorReach.objects.get(user=olga).customers == ["acme"]
    assert AuditLine.objects.get(action="operator.create").object_id == str(olga.pk)


def test_a_new_operator_for_a_customer_that_is_not_there_is_refused_with_what_was_entered() -> None:
    admin = in_role("Admin")
    entered = {"username": "olga", "password1": PASSWORD, "password2": PASSWORD, "customers": "acmee"}

    answer = admin.post(NEW, entered)

    assert "There is no customer &#x27;acmee&#x27;" in answer.text
    assert 'value="olga"' in answer.text
    assert not get_user_model().objects.filter(username="olga").exists()


def test_nobody_reads_a_hash_or_writes_when_somebody_signed_in() -> None:
    admin = in_role("Admin")
    seen = datetime(2026, 11, 1, 10, tzinfo=UTC)
    vera = get_user_model().objects.create_user("vera", password=PASSWORD, is_staff=True, last_login=seen)
    page = reverse("admin:auth_user_change", args=[vera.pk])

    shown = admin.get(page).text
    admin.post(
        page, {"username": "vera", "is_active": "on", "last_login_0": "2020-01-01", "last_login_1": "08:00"}
    )

    vera.refresh_from_db()
    assert vera.last_login == seen
    assert "pbkdf2" not in shown
    assert "Authentication and Authorization" not in shown


def test_the_permissions_of_a_role_are_boxes_in_words_and_stay_as_they_were() -> None:
    admin = in_role("Admin")
    viewer = Group.objects.get(name="Viewer")
    held = set(viewer.permissions.values_list("pk", flat=True))
    page = reverse("admin:auth_group_change", args=[viewer.pk])

    shown = admin.get(page).text
    admin.post(page, {"name": "Viewer", "permissions": sorted(held)})

    assert "Runs: view run" in shown
    assert shown.count('type="checkbox"') > len(held)
    assert "<select" not in shown.partition('id="id_permissions"')[2].partition("</form>")[0]
    assert set(viewer.permissions.values_list("pk", flat=True)) == held
