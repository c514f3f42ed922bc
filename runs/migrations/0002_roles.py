"""The four roles of the console, as groups: an administrator may change them afterwards, nothing puts them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

from infra_shared.role_permissions import permissions_of

if TYPE_CHECKING:
    from django.apps.registry import Apps

VIEWER = (
    "automations.automation: view",
    "automations.customer: view",
    "automations.healproposal: view",
    "automations.schedule: view",
    "infra_shared.alert: view",
    "infra_shared.deletion: view",
    "infra_shared.outboxmessage: view",
    "infra_shared.signedinsession: view",
    "runs.artifact: view",
    "runs.bulkorder: view",
    "runs.failurefamily: view",
    "runs.limit: view",
    "runs.node: view",
    "runs.pause: view",
    "runs.retentionrule: view",
    "runs.run: view",
    "runs.site: view",
    "runs.storageday: view",
    "runs.storagequota: view",
)
OPERATOR = (
    *VIEWER,
    "automations.healproposal: adopt",
    "automations.schedule: add change delete",
    "infra_shared.alert: handle",
    "infra_shared.outboxmessage: resend",
    "infra_shared.signedinsession: end",
    "runs.node: drain",
    "runs.pause: add delete",
    "runs.run: answer cancel pin request resolve",
    "runs.site: change",
)
ENGINEER = (
    *OPERATOR,
    "automations.automation: add change",
    "automations.credential: view add change delete",
    "automations.customer: add change",
    "infra_shared.alertchannel: view add change delete",
    "infra_shared.apikey: view add change",
    "infra_shared.auditline: view",
    "runs.limit: add change delete",
    "runs.retentionrule: change",
    "runs.storagequota: change",
)
ADMIN = (
    *ENGINEER,
    "auth.group: view add change",
    "auth.user: view add change",
)
ROLES = {"Viewer": VIEWER, "Operator": OPERATOR, "Engineer": ENGINEER, "Admin": ADMIN}


def make_roles(apps: Apps, schema_editor: Any) -> None:
    """Make the groups that are missing, each with its permissions."""
    del schema_editor
    for name, lines in ROLES.items():
        group, is_new = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(permissions_of(apps, lines))


class Migration(migrations.Migration):
    """Make the roles; they stay when this is undone, since people may hold them."""

    replaces = [
        ("automations", "0009_customer_roles"),
        ("runs", "0007_roles"),
        ("runs", "0009_heal_roles"),
        ("runs", "0011_flow_roles"),
        ("runs", "0014_schedule_roles"),
        ("runs", "0016_alert_roles"),
        ("runs", "0019_limit_roles"),
        ("runs", "0024_retention_roles"),
        ("runs", "0030_credential_deletion_role"),
        ("runs", "0033_outbox_roles"),
    ]
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("automations", "0001_tables"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("infra_shared", "0001_tables"),
        ("runs", "0001_tables"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
