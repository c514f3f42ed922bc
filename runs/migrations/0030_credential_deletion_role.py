"""Who may delete a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

PERMISSIONS = {("automations", "credential", "delete"): ("Engineer", "Admin")}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there what they need; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    kinds = apps.get_model("contenttypes", "ContentType").objects
    for (app, model, verb), roles in PERMISSIONS.items():
        kind, _ = kinds.get_or_create(app_label=app, model=model)
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind, codename=f"{verb}_{model}", defaults={"name": f"Can {verb} {model}"}
        )
        for group in apps.get_model("auth", "Group").objects.filter(name__in=roles):
            group.permissions.add(permission)


class Migration(migrations.Migration):
    """Give the roles the permissions; they keep them when this is undone."""

    dependencies = [
        ("runs", "0029_run_imports"),
        ("automations", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
