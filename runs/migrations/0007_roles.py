"""The four roles of the console, as groups: an administrator may change them afterwards, nothing puts them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

VIEWER = (
    "runs.run.view",
    "runs.artifact.view",
    "runs.node.view",
    "runs.failurefamily.view",
    "automations.automation.view",
    "automations.schedule.view",
)
OPERATOR = (
    *VIEWER,
    "runs.run.request",
    "runs.run.cancel",
    "runs.run.answer",
    "runs.run.resolve",
    "runs.run.pin",
    "automations.schedule.add",
    "automations.schedule.change",
)
ENGINEER = (
    *OPERATOR,
    "automations.credential.view",
    "automations.credential.add",
    "automations.credential.change",
    "infra_shared.apikey.view",
    "infra_shared.apikey.add",
    "infra_shared.apikey.change",
    "infra_shared.auditline.view",
)
ADMIN = (
    *ENGINEER,
    "auth.user.view",
    "auth.user.add",
    "auth.user.change",
    "auth.group.view",
    "auth.group.add",
    "auth.group.change",
)
ROLES = {"Viewer": VIEWER, "Operator": OPERATOR, "Engineer": ENGINEER, "Admin": ADMIN}


def make_roles(apps: Apps, schema_editor: Any) -> None:
    """Make the groups that are missing, each with its permissions.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    group_model = apps.get_model("auth", "Group")
    for name, permissions in ROLES.items():
        group, is_new = group_model.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set([_permission(apps, permission) for permission in permissions])


def _permission(apps: Apps, name: str) -> Any:
    app, model, verb = name.split(".")
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app, model=model)
    row, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename=f"{verb}_{model}", defaults={"name": f"Can {verb} {model}"}
    )
    return row


class Migration(migrations.Migration):
    """Make the roles; they stay when this is undone, since people may hold them."""

    dependencies = [
        ("runs", "0006_run_permissions"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
