"""Operators of each role, and operators of a few customers."""

from __future__ import annotations

from importlib import import_module

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from infra_shared.models import OperatorReach

PASSWORD = "a-password-for-all"


def in_role(role: str, *, customers: list[str] | None = None, name: str = "") -> Client:
    """A client signed in as somebody of this role, who reaches only the customers given; None: all."""
    # The rows a migration made are gone after the first test that empties the tables.
    import_module("runs.migrations.0002_roles").make_roles(apps, None)
    import_module("intake.migrations.0002_roles").give_permissions(apps, None)
    user = get_user_model().objects.create_user(name or role.lower(), password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    if customers is not None:
        OperatorReach.objects.create(user=user, customers=customers)
    client = Client()
    client.force_login(user)
    return client
