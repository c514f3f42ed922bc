"""Files that hold a secret: set aside, encrypted, with the reason."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Let an artifact be quarantined."""

    dependencies = [
        ("infra_shared", "0001_initial"),
        ("runs", "0019_limit_roles"),
    ]

    operations = [
        migrations.AddField(
            model_name="artifact",
            name="quarantine_reason",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="artifact",
            name="quarantined_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="artifact",
            name="sealed_blob",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="infra_shared.blob",
            ),
        ),
        migrations.AddConstraint(
            model_name="artifact",
            constraint=models.CheckConstraint(
                condition=Q(quarantined_at__isnull=True, quarantine_reason="", sealed_blob__isnull=True)
                | (Q(quarantined_at__isnull=False, blob__isnull=True) & ~Q(quarantine_reason="")),
                name="artifact_quarantined_or_not",
            ),
        ),
    ]
