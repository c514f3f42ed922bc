"""Counts of the events that were removed because they were old."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Keep the ledger in balance when events go."""

    dependencies = [
        ("intake", "0003_newest_of_sources_and_triggers"),
    ]
    operations = [
        migrations.AddField(
            model_name="intakeledger", name=name, field=models.PositiveBigIntegerField(default=0)
        )
        for name in ("removed_routed", "removed_failed", "removed_ignored")
    ]
