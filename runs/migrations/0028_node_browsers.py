from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0027_attempt_logs")]

    operations = [
        migrations.AddField(
            model_name="node",
            name="browser_memory_bytes",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="node",
            name="browsers",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="node",
            name="browsers_started",
            field=models.PositiveIntegerField(default=0, help_text="Since the node started."),
        ),
        migrations.AddField(
            model_name="workerprocess",
            name="browser_contexts",
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
