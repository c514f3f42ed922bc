"""The latest tries of a message, and messages that nobody needs any more."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('infra_shared', '0010_session_ages'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='outboxmessage',
            options={'ordering': ('-id',), 'permissions': (('resend_outboxmessage', 'Can send messages again and drop them'),)},
        ),
        migrations.RemoveConstraint(
            model_name='outboxmessage',
            name='outbox_state_times',
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='tries',
            field=models.JSONField(blank=True, default=list, help_text='The latest tries: `at`, and its `error`, empty when it was sent.'),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='state',
            field=models.CharField(choices=[('pending', 'Pending'), ('sent', 'Sent'), ('failed', 'Failed'), ('folded', 'Folded'), ('dropped', 'Dropped')], default='pending', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('next_attempt_at__isnull', False), ('sent_at__isnull', True), ('state', 'pending')), models.Q(('next_attempt_at__isnull', True), ('sent_at__isnull', False), ('state', 'sent')), models.Q(('next_attempt_at__isnull', True), ('sent_at__isnull', True), ('state__in', ('failed', 'folded', 'dropped'))), _connector='OR'), name='outbox_state_times'),
        ),
    ]
