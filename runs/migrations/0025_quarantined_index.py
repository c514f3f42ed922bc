"""The few quarantined files are found without reading the others."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Index the quarantined artifacts in the order of time."""

    dependencies = [
        ("runs", "0024_retention_roles"),
    ]
    operations = [
        migrations.AddIndex(
            model_name="artifact",
            index=models.Index(
                fields=["id"], name="artifact_quarantined", condition=Q(quarantined_at__isnull=False)
            ),
        ),
    ]
