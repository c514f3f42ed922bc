"""The filters of lists that operators keep under a name."""

from __future__ import annotations

import django.db.models.deletion
import infra_shared.clock
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """The filters of lists that operators keep under a name."""

    dependencies = [
        ('infra_shared', '0002_operator_reach'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedFilter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(max_length=100)),
                ('name', models.CharField(max_length=60)),
                ('query', models.CharField(max_length=2000)),
                ('created_at', models.DateTimeField(default=infra_shared.clock.utc_now)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_filters', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('name',),
                'constraints': [models.UniqueConstraint(fields=('owner', 'page', 'name'), name='saved_filter_once')],
            },
        ),
    ]
