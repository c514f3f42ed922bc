"""Steps keep what they saw, whether they changed anything, and how a target found another way could be written."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Steps keep what they saw, whether they changed anything, and how a target found another way could be written."""

    dependencies = [
        ('runs', '0007_roles'),
    ]

    operations = [
        migrations.AddField(
            model_name='step',
            name='changed',
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='fingerprint',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='fingerprint_key',
            field=models.CharField(blank=True, default='', max_length=255),
        ),
        migrations.AddField(
            model_name='step',
            name='heal',
            field=models.JSONField(blank=True, null=True),
        ),
    ]
