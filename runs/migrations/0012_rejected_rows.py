"""The rows of a result that did not fit are a kind of artifact."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Name the kind."""

    dependencies = [
        ('runs', '0011_flow_roles'),
    ]

    operations = [
        migrations.AlterField(
            model_name='artifact',
            name='kind',
            field=models.CharField(choices=[('step_picture', 'step_picture'), ('step_html', 'step_html'), ('step_before', 'step_before'), ('step_axtree', 'step_axtree'), ('failure_picture', 'failure_picture'), ('failure_html', 'failure_html'), ('failure_axtree', 'failure_axtree'), ('trace', 'trace'), ('request_log', 'request_log'), ('console_log', 'console_log'), ('stage_state', 'stage_state'), ('download', 'download'), ('result', 'result'), ('rejected_rows', 'rejected_rows'), ('input', 'input')], max_length=20),
        ),
    ]
