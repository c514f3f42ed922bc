"""Who may pause, set limits, and put circuit breakers right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

VIEWER = ("pause.view", "limit.view", "site.view")
OPERATOR = (*VIEWER, "pause.add", "pause.delete", "site.change")
ENGINEER = (*OPERATOR, "limit.add", "limit.change", "limit.delete")
ROLES = {"Viewer": VIEWER, "Operator": OPERATOR, "Engineer": ENGINEER, "Admin": ENGINEER}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there their permissions; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(*(_permission(apps, name) for name in ROLES[group.name]))


def _permission(apps: Apps, name: str) -> Any:
    model, verb = name.split(".")
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="runs", model=model)
    row, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename=f"{verb}_{model}", defaults={"name": f"Can {verb} {model}"}
    )
    return row


class Migration(migrations.Migration):
    """Give the roles the permissions; they keep them when this is undone."""

    dependencies = [
        ("runs", "0018_limits_pauses_sites"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
