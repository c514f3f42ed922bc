import django.db.models.deletion
from django.db import migrations, models

import infra_shared.ids


class Migration(migrations.Migration):
    dependencies = [("runs", "0030_credential_deletion_role")]

    operations = [
        migrations.CreateModel(
            name="DispatcherProcess",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("host_name", models.CharField(max_length=200)),
                ("pid", models.PositiveIntegerField()),
                (
                    "ticked_at",
                    models.DateTimeField(
                        help_text="When it last had done all that was due; told each quarter lease."
                    ),
                ),
                (
                    "node",
                    models.OneToOneField(
                        blank=True,
                        help_text="Empty for one that was started by itself.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dispatcher",
                        to="runs.node",
                    ),
                ),
            ],
            options={"ordering": ("-ticked_at",)},
        ),
    ]
