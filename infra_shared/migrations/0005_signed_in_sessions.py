"""Add the signed-in sessions."""

from __future__ import annotations

import infra_shared.clock
import infra_shared.crypto
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the signed-in sessions."""

    dependencies = [
        ('infra_shared', '0004_alerts'),
    ]

    operations = [
        migrations.CreateModel(
            name='SignedInSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer', models.CharField(max_length=100)),
                ('site', models.CharField(max_length=200)),
                ('account', models.CharField(max_length=200)),
                ('state', infra_shared.crypto.EncryptedJSONField(null=True)),
                ('generation', models.PositiveBigIntegerField(default=0)),
                ('stored_at', models.DateTimeField(blank=True, null=True)),
                ('obstacle', models.CharField(blank=True, help_text='Why the latest login could not be kept.', max_length=500)),
                ('fence', models.PositiveBigIntegerField(default=0)),
                ('holder', models.CharField(blank=True, help_text='Who is signing in.', max_length=100)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('failures', models.PositiveIntegerField(default=0, help_text='Logins that failed one after another.')),
                ('failed_at', models.DateTimeField(blank=True, null=True)),
                ('last_failure', models.CharField(blank=True, max_length=500)),
                ('locked_until', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=infra_shared.clock.utc_now)),
            ],
            options={
                'verbose_name': 'signed-in session',
                'ordering': ('customer', 'site', 'account'),
                'permissions': (('end_signedinsession', 'Can end signed-in sessions and release their locks'),),
                'indexes': [models.Index(condition=models.Q(('holder', ''), _negated=True), fields=['lease_expires_at'], name='session_held')],
                'constraints': [models.UniqueConstraint(fields=('customer', 'site', 'account'), name='session_once'), models.CheckConstraint(condition=models.Q(models.Q(('state__isnull', True), ('stored_at__isnull', True)), models.Q(('state__isnull', False), ('stored_at__isnull', False)), _connector='OR'), name='session_kept_exactly_when_stored')],
            },
        ),
    ]
