"""Fingerprints of targets, and proposals to write targets anew."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Fingerprints of targets, and proposals to write targets anew."""

    dependencies = [
        ('automations', '0002_flow_documents'),
    ]

    operations = [
        migrations.CreateModel(
            name='HealProposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=100)),
                ('target_key', models.CharField(max_length=255)),
                ('digest', models.CharField(max_length=64)),
                ('description', models.TextField()),
                ('old_target', models.JSONField()),
                ('new_target', models.JSONField()),
                ('seen', models.JSONField()),
                ('tier', models.CharField(choices=[('dom', 'dom'), ('axtree', 'axtree'), ('vision', 'vision')], max_length=10)),
                ('state', models.CharField(choices=[('open', 'Open'), ('adopted', 'Adopted'), ('refused', 'Refused'), ('superseded', 'Superseded')], default='open', max_length=10)),
                ('agreed', models.PositiveIntegerField(default=1)),
                ('disagreed', models.PositiveIntegerField(default=0)),
                ('first_run', models.UUIDField()),
                ('last_run', models.UUIDField()),
                ('before_picture', models.UUIDField(blank=True, null=True)),
                ('before_box', models.JSONField(blank=True, null=True)),
                ('after_picture', models.UUIDField(blank=True, null=True)),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('decided_by', models.CharField(blank=True, max_length=200)),
                ('reason', models.TextField(blank=True)),
                ('adopted_version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='automations.automationversion')),
                ('automation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='heals', to='automations.automation')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='automations.automationversion')),
            ],
            options={
                'verbose_name': 'heal proposal',
                'ordering': ('-last_seen_at', '-id'),
                'permissions': [('adopt_healproposal', 'Can adopt and refuse heal proposals')],
                'indexes': [models.Index(fields=['state', '-last_seen_at'], name='heal_by_state')],
                'constraints': [models.UniqueConstraint(fields=('automation', 'target_key', 'digest'), name='heal_once_for_target_and_selector'), models.UniqueConstraint(condition=models.Q(('state', 'adopted')), fields=('automation', 'target_key'), name='heal_adopted_once_for_target'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='heal_decided_exactly_when_not_open'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'adopted'), _negated=True), ('adopted_version__isnull', False), _connector='OR'), name='heal_adopted_into_a_version')],
            },
        ),
        migrations.CreateModel(
            name='TargetFingerprint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255, unique=True)),
                ('sight', models.JSONField()),
                ('picture', models.UUIDField(blank=True, null=True)),
                ('last_run', models.UUIDField(blank=True, null=True)),
                ('learned_at', models.DateTimeField()),
                ('automation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fingerprints', to='automations.automation')),
            ],
            options={
                'indexes': [models.Index(fields=['automation', 'learned_at'], name='fingerprint_by_automation')],
            },
        ),
    ]
