"""Index attempts by how they came to be signed in, so that the list of runs can be narrowed to one way."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add a partial index: rows of automations that share no session are not in it."""

    dependencies = [
        ("runs", "0031_dispatcher_processes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("session", ""), _negated=True),
                fields=["session", "-run"],
                name="attempt_session",
            ),
        ),
    ]
