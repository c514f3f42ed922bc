"""Find the newest events of a source, and the newest matches of a trigger, without reading all of them."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two indexes."""

    dependencies = [("intake", "0002_roles")]
    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["source", "-id"], name="event_by_source"),
        ),
        migrations.AddIndex(
            model_name="match",
            index=models.Index(fields=["trigger", "-id"], name="match_by_trigger"),
        ),
    ]
