"""Who may see and make customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

MADE_BY = ("Engineer", "Admin")
PERMISSIONS = {
    "view": ("Viewer", "Operator", "Engineer", "Admin"),
    "add": MADE_BY,
    "change": MADE_BY,
}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there what they need; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="automations", model="customer"
    )
    for verb, roles in PERMISSIONS.items():
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind, codename=f"{verb}_customer", defaults={"name": f"Can {verb} customer"}
        )
        for group in apps.get_model("auth", "Group").objects.filter(name__in=roles):
            group.permissions.add(permission)


class Migration(migrations.Migration):
    """Give the roles the permissions; they keep them when this is undone."""

    dependencies = [
        ("automations", "0008_credential_bindings"),
        ("runs", "0007_roles"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
