"""Occurrences may wait, be spread and be filled in afterwards; their time is when they became what they are."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Complete the ledger of schedules."""

    dependencies = [
        ("automations", "0005_schedule_choices"),
        ("runs", "0012_rejected_rows"),
    ]

    operations = [
        migrations.RenameField(
            model_name='occurrence',
            old_name='created_at',
            new_name='handled_at',
        ),
        migrations.AddField(
            model_name='occurrence',
            name='backfill',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='occurrence',
            name='offset_seconds',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='occurrence',
            name='state',
            field=models.CharField(choices=[('waiting', 'Waits for the run before it'), ('fired', 'Fired'), ('coalesced', 'Coalesced into a later one'), ('skipped', 'Skipped'), ('missed', 'Missed'), ('refused', 'Refused')], max_length=10),
        ),
        migrations.AddIndex(
            model_name='occurrence',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['schedule', 'fire_at'], name='occurrence_waiting'),
        ),
    ]
