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
    import_module("runs.migrations.0007_roles").make_roles(apps, None)
    import_module("runs.migrations.0009_heal_roles").give_permissions(apps, None)
    import_module("runs.migrations.0011_flow_roles").give_permissions(apps, None)
    import_module("runs.migrations.0014_schedule_roles").give_permissions(apps, None)
    import_module("runs.migrations.0019_limit_roles").give_permissions(apps, None)
    import_module("runs.migrations.0016_alert_roles").give_permissions(apps, None)
    import_module("runs.migrations.0017_bulk_orders_and_drains").give_permissions(apps, None)
    import_module("runs.migrations.0023_attempt_sessions").give_permissions(apps, None)
    import_module("runs.migrations.0024_retention_roles").give_permissions(apps, None)
    import_module("runs.migrations.0030_credential_deletion_role").give_permissions(apps, None)
    import_module("automations.migrations.0009_customer_roles").give_permissions(apps, None)
    import_module("runs.migrations.0033_outbox_roles").give_permissions(apps, None)
    import_module("intake.migrations.0002_roles").give_permissions(apps, None)
    user = get_user_model().objects.create_user(name or role.lower(), password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    if customers is not None:
        OperatorReach.objects.create(user=user, customers=customers)
    client = Client()
    client.force_login(user)
    return client
