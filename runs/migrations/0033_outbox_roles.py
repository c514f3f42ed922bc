"""Everybody sees what leaves the system, operators send it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

SEEN_BY = ("Viewer", "Operator", "Engineer", "Admin")
HANDLED_BY = ("Operator", "Engineer", "Admin")
PERMISSIONS = {"view": SEEN_BY, "resend": HANDLED_BY}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there what they need; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    kinds = apps.get_model("contenttypes", "ContentType").objects
    kind, _ = kinds.get_or_create(app_label="infra_shared", model="outboxmessage")
    for verb, roles in PERMISSIONS.items():
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind,
            codename=f"{verb}_outboxmessage",
            defaults={"name": f"Can {verb} outbox message"},
        )
        for group in apps.get_model("auth", "Group").objects.filter(name__in=roles):
            group.permissions.add(permission)


class Migration(migrations.Migration):
    """Give the roles the permissions; they keep them when this is undone."""

    dependencies = [
        ("runs", "0032_attempt_session_index"),
        ("infra_shared", "0011_outbox_tries_and_drops"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
