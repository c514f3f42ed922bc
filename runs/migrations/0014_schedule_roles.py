"""Whoever may change schedules may delete them: a deleted schedule keeps its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

ROLES = ("Operator", "Engineer", "Admin")


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there the permission; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="automations", model="schedule"
    )
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename="delete_schedule", defaults={"name": "Can delete schedule"}
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    """Give the roles the permission; they keep it when this is undone."""

    dependencies = [
        ("runs", "0013_schedule_ledger"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
