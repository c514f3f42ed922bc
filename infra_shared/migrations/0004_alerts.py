"""Alerts, the channels they are told through, and what the outbox says of both."""

from __future__ import annotations

import django.db.models.deletion
import infra_shared.clock
import infra_shared.crypto
from django.db import migrations, models


def forget_log_messages(apps, schema_editor):
    """Delete what stood for a log line: alerts are rows of their own now."""
    del schema_editor
    apps.get_model("infra_shared", "OutboxMessage").objects.filter(channel="log").delete()


class Migration(migrations.Migration):
    """Add alerts and their channels; the outbox takes webhooks too."""

    dependencies = [
        ('infra_shared', '0003_saved_filters'),
    ]

    operations = [
        migrations.RunPython(forget_log_messages, migrations.RunPython.noop),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200, unique=True)),
                ('rule', models.CharField(max_length=40)),
                ('severity', models.CharField(choices=[('info', 'Info'), ('warning', 'Warning'), ('critical', 'Critical')], default='warning', max_length=10)),
                ('title', models.CharField(max_length=300)),
                ('text', models.TextField()),
                ('link', models.CharField(blank=True, max_length=500)),
                ('customer', models.CharField(blank=True, help_text="Key of the customer; empty: the system's own.", max_length=100)),
                ('automation', models.CharField(blank=True, help_text='Key of the automation.', max_length=100)),
                ('opened_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('close_reason', models.CharField(blank=True, max_length=500)),
                ('count', models.PositiveIntegerField(default=1)),
                ('openings', models.PositiveIntegerField(default=1)),
                ('is_told', models.BooleanField(default=False)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_by', models.CharField(blank=True, max_length=200)),
                ('acknowledge_note', models.CharField(blank=True, max_length=500)),
                ('muted_until', models.DateTimeField(blank=True, null=True)),
                ('muted_by', models.CharField(blank=True, max_length=200)),
                ('mute_reason', models.CharField(blank=True, max_length=500)),
            ],
            options={
                'ordering': ('-last_seen_at', '-id'),
                'permissions': (('handle_alert', 'Can acknowledge and mute alerts'),),
            },
        ),
        migrations.CreateModel(
            name='AlertChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('kind', models.CharField(choices=[('email', 'E-mail'), ('webhook', 'Webhook, signed by Standard Webhooks'), ('slack', 'Slack-compatible webhook')], max_length=10)),
                ('place', models.CharField(help_text='Addresses by commas, or the origin of the web address.', max_length=1000)),
                ('url', infra_shared.crypto.EncryptedJSONField(blank=True, null=True)),
                ('secret', infra_shared.crypto.EncryptedJSONField(blank=True, null=True)),
                ('rules', models.JSONField(blank=True, default=list)),
                ('customers', models.JSONField(blank=True, default=list)),
                ('automations', models.JSONField(blank=True, default=list)),
                ('tells_recovery', models.BooleanField(default=True)),
                ('is_on', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(default=infra_shared.clock.utc_now)),
                ('updated_at', models.DateTimeField(default=infra_shared.clock.utc_now)),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.RemoveConstraint(
            model_name='outboxmessage',
            name='outbox_mail_has_recipient',
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='purpose',
            field=models.CharField(choices=[('plain', 'Mail'), ('opened', 'Alert'), ('reminder', 'Reminder'), ('recovered', 'Recovery'), ('test', 'Test'), ('canary', 'Daily canary')], default='plain', max_length=10),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='body_text',
            field=models.TextField(help_text='The text of a mail; the whole body of a webhook.'),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='channel',
            field=models.CharField(choices=[('email', 'E-mail'), ('webhook', 'Webhook')], max_length=10),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='recipient',
            field=models.CharField(help_text='Addresses, separated by commas; of a webhook the origin.', max_length=1000),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['-last_seen_at', '-id'], name='alert_recent'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['rule'], name='alert_open'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('is_told', True), _negated=True), ('told_at__isnull', False), _connector='OR'), name='alert_told_has_its_time'),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='alert',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='deliveries', to='infra_shared.alert'),
        ),
        migrations.AddConstraint(
            model_name='alertchannel',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'email'), ('secret__isnull', True), ('url__isnull', True)), models.Q(('kind', 'webhook'), ('secret__isnull', False), ('url__isnull', False)), models.Q(('kind', 'slack'), ('secret__isnull', True), ('url__isnull', False)), _connector='OR'), name='alert_channel_has_what_its_kind_needs'),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='alert_channel',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='deliveries', to='infra_shared.alertchannel'),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(fields=['purpose', '-id'], name='outbox_by_purpose'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.CheckConstraint(condition=models.Q(('recipient', ''), _negated=True), name='outbox_has_recipient'),
        ),
    ]
