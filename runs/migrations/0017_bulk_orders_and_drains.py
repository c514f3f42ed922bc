"""Orders about many runs, nodes that are asked to leave, and who may see or ask that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django.db.models.deletion
import infra_shared.clock
import infra_shared.ids
from django.db import migrations, models

if TYPE_CHECKING:
    from django.apps.registry import Apps

PERMISSIONS = {
    ("bulkorder", "view", "Can view bulk order"): ("Viewer", "Operator", "Engineer", "Admin"),
    ("node", "drain", "Can have nodes leave"): ("Operator", "Engineer", "Admin"),
}


def give_permissions(apps: Apps, schema_editor: Any) -> None:
    """Give the roles that are still there the permissions; nobody's other permissions change.

    Django makes the rows of permissions only after the last migration, and leaves alone those it finds.
    """
    del schema_editor
    kinds = apps.get_model("contenttypes", "ContentType").objects
    for (model, verb, name), roles in PERMISSIONS.items():
        kind, _ = kinds.get_or_create(app_label="runs", model=model)
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind, codename=f"{verb}_{model}", defaults={"name": name}
        )
        for group in apps.get_model("auth", "Group").objects.filter(name__in=roles):
            group.permissions.add(permission)


class Migration(migrations.Migration):
    """Make the tables and give the roles the permissions; they keep them when this is undone."""

    dependencies = [
        ('infra_shared', '0004_alerts'),
        ('runs', '0016_alert_roles'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='node',
            options={'ordering': ('-heartbeat_at',), 'permissions': (('drain_node', 'Can have nodes leave'),)},
        ),
        migrations.AddField(
            model_name='node',
            name='drain_asked_by',
            field=models.CharField(blank=True, help_text='Who asked it to leave; empty: nobody, or a signal did.', max_length=200),
        ),
        migrations.CreateModel(
            name='BulkOrder',
            fields=[
                ('id', models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('cancel', 'Cancel'), ('rerun', 'Rerun')], max_length=10)),
                ('filter', models.JSONField(default=dict, help_text='Which runs: `runs.services.run_filter.RunFilter`.')),
                ('customers', models.JSONField(default=list, help_text='Whose runs whoever gave it reaches; * is all.')),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('requested_by', models.CharField(max_length=200)),
                ('idempotency_key', models.CharField(blank=True, max_length=255, null=True)),
                ('total', models.PositiveIntegerField(help_text='How many runs it was about when it was given.')),
                ('done', models.PositiveIntegerField(default=0)),
                ('skipped', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('newest', models.UUIDField()),
                ('reached', models.UUIDField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=infra_shared.clock.utc_now)),
                ('worked_until', models.DateTimeField(blank=True, help_text='Until when one process has it for itself.', null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('caller', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='infra_shared.caller')),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='BulkItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outcome', models.CharField(choices=[('done', 'Done'), ('skipped', 'Skipped'), ('failed', 'Failed')], max_length=10)),
                ('reason', models.CharField(blank=True, help_text='Why it was skipped or failed.', max_length=500)),
                ('new_run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.run')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='runs.run')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='runs.bulkorder')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.AddIndex(
            model_name='bulkorder',
            index=models.Index(condition=models.Q(('finished_at__isnull', True)), fields=['id'], name='bulk_order_unfinished'),
        ),
        migrations.AddConstraint(
            model_name='bulkorder',
            constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('caller', 'idempotency_key'), name='bulk_order_idempotency_once'),
        ),
        migrations.AddIndex(
            model_name='bulkitem',
            index=models.Index(fields=['order', 'outcome'], name='bulk_item_by_outcome'),
        ),
        migrations.AddConstraint(
            model_name='bulkitem',
            constraint=models.UniqueConstraint(fields=('order', 'run'), name='bulk_item_once'),
        ),
        migrations.RunPython(give_permissions, migrations.RunPython.noop),
    ]
