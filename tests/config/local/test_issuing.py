"""The first operator and API key of a machine."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.test import RequestFactory

from config.local import issuing
from infra_shared.models import AuditLine
from infra_shared.services import api_keys

pytestmark = pytest.mark.django_db


def _signs_in(*, password: str) -> bool:
    request = RequestFactory().post("/admin/login/")
    return authenticate(request, username="operator", password=password) is not None


def test_the_first_operator_and_key_work_and_are_shown_once() -> None:
    made = issuing.ensure()
    again = issuing.ensure()

    assert made["password"]
    assert made["key"]
    assert _signs_in(password=made["password"])
    assert api_keys.authenticate(made["key"]).caller.name == "local"
    assert again == {"operator": "operator", "password": None, "key": None}


def test_a_new_password_replaces_the_old_one_and_is_audited() -> None:
    old = issuing.set_password()
    new = issuing.set_password()

    assert not _signs_in(password=old)
    assert _signs_in(password=new)
    actions = AuditLine.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["operator.create", "operator.new_password"]
