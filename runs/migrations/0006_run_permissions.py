"""Permissions of what operators do with runs, and an index for the list of pinned ones."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Permissions of what operators do with runs, and an index for the list of pinned ones."""

    dependencies = [
        ('runs', '0005_ticket_index'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='run',
            options={'ordering': ('-id',), 'permissions': (('request_run', 'Can ask for runs and reruns'), ('cancel_run', 'Can cancel runs'), ('answer_run', 'Can say what became of a commit'), ('resolve_run', 'Can resolve failures'), ('pin_run', 'Can pin runs'))},
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["-id"], name="run_pinned", condition=models.Q(pinned_at__isnull=False)),
        ),
    ]
