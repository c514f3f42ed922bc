"""The customers an operator reaches."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """The customers an operator reaches."""

    dependencies = [
        ('infra_shared', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='OperatorReach',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customers', models.JSONField(blank=True, default=list, help_text='Keys of the customers; an empty list reaches none.')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='reach', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'reach',
                'verbose_name_plural': 'reach',
                'ordering': ('user',),
            },
        ),
    ]
