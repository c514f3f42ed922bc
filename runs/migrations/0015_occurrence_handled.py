"""What was handled lately is found by an index: the rule about late schedules looks each minute."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the index."""

    dependencies = [
        ('automations', '0005_schedule_choices'),
        ('runs', '0014_schedule_roles'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='occurrence',
            index=models.Index(fields=['handled_at'], name='occurrence_handled'),
        ),
    ]
