"""Files that people and programs send for the params of runs."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import infra_shared.clock
import infra_shared.ids


class Migration(migrations.Migration):
    """Make their table."""

    dependencies = [
        ("automations", "0003_heal_proposals"),
        ("infra_shared", "0002_operator_reach"),
    ]

    operations = [
        migrations.CreateModel(
            name="UploadedFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("content_type", models.CharField(max_length=100)),
                ("size_bytes", models.PositiveBigIntegerField()),
                (
                    "sent_by",
                    models.CharField(help_text="Actor, such as operator:anna or caller:ci.", max_length=200),
                ),
                ("idempotency_key", models.CharField(blank=True, max_length=255, null=True)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "wanted_at",
                    models.DateTimeField(
                        db_index=True,
                        default=infra_shared.clock.utc_now,
                        help_text="When a request last named it, or when it was sent.",
                    ),
                ),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="infra_shared.blob",
                    ),
                ),
                (
                    "caller",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="infra_shared.caller",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="automations.customer",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key__isnull", False)),
                        fields=("caller", "idempotency_key"),
                        name="uploaded_file_idempotency_once",
                    )
                ],
            },
        ),
    ]
