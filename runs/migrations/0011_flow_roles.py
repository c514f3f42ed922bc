"""Engineers and administrators write flow documents in the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

NAMES = {"add_automation": "Can add automation", "change_automation": "Can change automation"}
ROLES = ("Engineer", "Admin")


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there what they need; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="automations", model="automation"
    )
    permissions = [
        apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind, codename=codename, defaults={"name": name}
        )[0]
        for codename, name in NAMES.items()
    ]
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    """Give the roles the permissions of flow documents; they keep them when this is undone."""

    dependencies = [
        ("runs", "0010_effects_checkpoints_questions"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
