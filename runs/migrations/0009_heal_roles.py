"""Whoever looks at automations also sees heal proposals; operators and above decide about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps

VIEW, ADOPT = "view_healproposal", "adopt_healproposal"
NAMES = {VIEW: "Can view heal proposal", ADOPT: "Can adopt and refuse heal proposals"}
ROLES = {
    "Viewer": (VIEW,),
    "Operator": (VIEW, ADOPT),
    "Engineer": (VIEW, ADOPT),
    "Admin": (VIEW, ADOPT),
}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there what they need; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    kinds, permissions = (
        apps.get_model("contenttypes", "ContentType"),
        apps.get_model("auth", "Permission"),
    )
    kind, _ = kinds.objects.get_or_create(app_label="automations", model="healproposal")
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        for codename in ROLES[group.name]:
            permission, _ = permissions.objects.get_or_create(
                content_type=kind, codename=codename, defaults={"name": NAMES[codename]}
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    """Give the roles the permissions of heal proposals; they keep them when this is undone."""

    dependencies = [
        ("runs", "0008_step_heals"),
        ("automations", "0003_heal_proposals"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
