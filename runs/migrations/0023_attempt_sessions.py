"""Say on each attempt how it came to be signed in; let operators look at signed-in sessions and end them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations, models

if TYPE_CHECKING:
    from django.apps.registry import Apps

VIEW = ("view_signedinsession", "Can view signed-in session")
END = ("end_signedinsession", "Can end signed-in sessions and release their locks")
ROLES = {"Viewer": (VIEW,), "Operator": (VIEW, END), "Engineer": (VIEW, END), "Admin": (VIEW, END)}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there their permissions; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(*(_permission(apps, *permission) for permission in ROLES[group.name]))


def _permission(apps: Apps, codename: str, name: str) -> Any:
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="infra_shared", model="signedinsession"
    )
    row, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename=codename, defaults={"name": name}
    )
    return row


class Migration(migrations.Migration):
    """Add the two columns, and give the roles the permissions; they keep them when this is undone."""

    dependencies = [
        ("runs", "0022_run_secrets"),
        ("infra_shared", "0005_signed_in_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="session",
            field=models.CharField(
                blank=True,
                choices=[
                    ("fresh", "fresh"),
                    ("cached", "cached"),
                    ("refreshed", "refreshed"),
                    ("degraded", "degraded"),
                ],
                help_text="How it came to be signed in, where its automation shares a signed-in session.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="session_note",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.RunPython(give_permissions, migrations.RunPython.noop),
    ]
