"""Who may look at what came in, replay it, and say what it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

VIEWER = ("source.view", "event.view", "trigger.view", "match.view", "deadletter.view")
OPERATOR = (
    *VIEWER,
    "event.replay",
    "deadletter.redrive",
    "trigger.add",
    "trigger.change",
    "trigger.delete",
)
ENGINEER = (*OPERATOR, "source.add", "source.change", "source.delete")
ROLES = {"Viewer": VIEWER, "Operator": OPERATOR, "Engineer": ENGINEER, "Admin": ENGINEER}
NAMES = {"event.replay": "Can replay events", "deadletter.redrive": "Can redrive dead letters"}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there their permissions; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(*(_permission(apps, name) for name in ROLES[group.name]))


def _permission(apps: Apps, name: str) -> Any:
    model, verb = name.split(".")
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="intake", model=model)
    row, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind,
        codename=f"{verb}_{model}",
        defaults={"name": NAMES.get(name, f"Can {verb} {model}")},
    )
    return row


class Migration(migrations.Migration):
    """Give the roles the permissions; they keep them when this is undone."""

    dependencies = [
        ("intake", "0001_sources_events_triggers"),
        ("runs", "0007_roles"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
