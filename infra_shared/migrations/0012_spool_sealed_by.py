"""How many sealed files wait in a spool, by the key they are under."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("infra_shared", "0011_outbox_tries_and_drops")]

    operations = [
        migrations.AddField(
            model_name="spool",
            name="sealed_by",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="How many sealed files wait in it, by the fingerprint of the key they are under.",
            ),
        ),
    ]
