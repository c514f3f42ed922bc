"""Schedules say what they do about lateness, overlap, changes of clocks and failures, and outlive their deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations, models
from django.db.models import F

if TYPE_CHECKING:
    from django.apps.registry import Apps


def plan_from_the_watermark(apps: Apps, schema_editor: Any) -> None:
    """Let a schedule that was there before count from its watermark."""
    del schema_editor
    apps.get_model("automations", "Schedule").objects.update(replanned_at=F("planned_until"))


class Migration(migrations.Migration):
    """Give schedules their choices."""

    dependencies = [
        ("automations", "0004_uploaded_files"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='schedule',
            name='schedule_has_the_rule_of_its_kind',
        ),
        migrations.RemoveIndex(
            model_name='schedule',
            name='schedule_ready',
        ),
        migrations.AddField(
            model_name='schedule',
            name='deleted_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='schedule',
            name='deleted_by',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='schedule',
            name='gap',
            field=models.CharField(choices=[('as_cron', 'as_cron'), ('skip', 'skip'), ('after', 'after')], default='as_cron', max_length=10),
        ),
        migrations.AddField(
            model_name='schedule',
            name='misfire',
            field=models.CharField(choices=[('skip', 'Leave them out'), ('latest', 'Fire the latest alone'), ('all', 'Fire all, up to a number')], default='latest', max_length=10),
        ),
        migrations.AddField(
            model_name='schedule',
            name='misfire_grace_seconds',
            field=models.PositiveIntegerField(default=30, help_text='A time fired no later than this is just late.'),
        ),
        migrations.AddField(
            model_name='schedule',
            name='misfire_limit',
            field=models.PositiveIntegerField(default=10, help_text='How many at most, where all are fired.'),
        ),
        migrations.AddField(
            model_name='schedule',
            name='once_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='schedule',
            name='overlap',
            field=models.CharField(choices=[('allow', 'Fire all the same'), ('skip', 'Leave it out'), ('queue', 'Wait for the earlier run'), ('cancel_running', 'Cancel the earlier run')], default='allow', max_length=20),
        ),
        migrations.AddField(
            model_name='schedule',
            name='pause_after_failures',
            field=models.PositiveIntegerField(default=0, help_text='Pause after so many failures in a row; 0: never.'),
        ),
        migrations.AddField(
            model_name='schedule',
            name='repeated',
            field=models.CharField(choices=[('as_cron', 'as_cron'), ('first', 'first'), ('both', 'both')], default='as_cron', max_length=10),
        ),
        migrations.AddField(
            model_name='schedule',
            name='replanned_at',
            field=models.DateTimeField(null=True, help_text='Nothing planned before this moment fires any more.'),
        ),
        migrations.AddField(
            model_name='schedule',
            name='spread_seconds',
            field=models.PositiveIntegerField(default=0, help_text='Window over which it is spread; 0: it fires exactly when planned.'),
        ),
        migrations.AddField(
            model_name='schedule',
            name='unwritten',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.RunPython(plan_from_the_watermark, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='schedule',
            name='replanned_at',
            field=models.DateTimeField(help_text='Nothing planned before this moment fires any more.'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='kind',
            field=models.CharField(choices=[('cron', 'Cron expression'), ('interval', 'Every so often'), ('once', 'Once')], default='cron', max_length=10),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('next_fire_at__isnull', False)), fields=['next_fire_at'], name='schedule_ready'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'cron'), models.Q(('cron', ''), _negated=True), ('every_seconds__isnull', True), ('once_at__isnull', True)), models.Q(('kind', 'interval'), ('cron', ''), ('every_seconds__gte', 1), ('anchor_at__isnull', False), ('once_at__isnull', True)), models.Q(('kind', 'once'), ('cron', ''), ('every_seconds__isnull', True), ('once_at__isnull', False)), _connector='OR'), name='schedule_has_the_rule_of_its_kind'),
        ),
    ]
