"""Who may look at what came in, replay it, and say what it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

from infra_shared.role_permissions import permissions_of

if TYPE_CHECKING:
    from django.apps.registry import Apps

VIEWER = (
    "intake.deadletter: view",
    "intake.event: view",
    "intake.match: view",
    "intake.source: view",
    "intake.trigger: view",
)
OPERATOR = (
    *VIEWER,
    "intake.deadletter: redrive",
    "intake.event: replay",
    "intake.trigger: add change delete",
)
ENGINEER = (
    *OPERATOR,
    "intake.source: add change delete",
)
ROLES = {"Viewer": VIEWER, "Operator": OPERATOR, "Engineer": ENGINEER, "Admin": ENGINEER}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there their permissions; nobody's other permissions change."""
    del schema_editor
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(*permissions_of(apps, ROLES[group.name]))


class Migration(migrations.Migration):
    """Give the roles the permissions; they keep them when this is undone."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("intake", "0001_tables"),
        ("runs", "0002_roles"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
