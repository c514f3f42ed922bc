"""A table for the secret params of runs that are not over."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import infra_shared.crypto


class Migration(migrations.Migration):
    """Add the table; its rows are written with a run and deleted with its end."""

    dependencies = [("runs", "0021_retention")]

    operations = [
        migrations.CreateModel(
            name="RunSecrets",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="secrets",
                        serialize=False,
                        to="runs.run",
                    ),
                ),
                ("content", infra_shared.crypto.EncryptedJSONField()),
            ],
            options={"verbose_name_plural": "run secrets"},
        ),
    ]
