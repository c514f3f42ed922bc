"""The ledger of deletions."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the table of what retention removed."""

    dependencies = [
        ("infra_shared", "0006_spent_factor_codes"),
    ]
    operations = [
        migrations.CreateModel(
            name="Deletion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "what",
                    models.CharField(help_text="Such as artifact, run, event or stored bytes.", max_length=40),
                ),
                ("rule", models.CharField(max_length=100)),
                ("customer", models.CharField(blank=True, help_text="Its key; empty: nobody's.", max_length=100)),
                ("rows", models.PositiveBigIntegerField()),
                ("size_bytes", models.PositiveBigIntegerField(default=0)),
                ("actor", models.CharField(help_text="system, command or operator:anna.", max_length=200)),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["what", "-id"], name="deletion_by_what"),
                    models.Index(fields=["customer", "-id"], name="deletion_by_customer"),
                ],
            },
        ),
    ]
