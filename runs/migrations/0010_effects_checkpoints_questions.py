"""Commits that count once, checkpoints to go on after, and questions to a person."""

from __future__ import annotations

import django.db.models.deletion
import infra_shared.crypto
from django.db import migrations, models


class Migration(migrations.Migration):
    """Commits that count once, checkpoints to go on after, and questions to a person."""

    dependencies = [
        ('automations', '0003_heal_proposals'),
        ('runs', '0009_heal_roles'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='run',
            options={'ordering': ('-id',), 'permissions': (('request_run', 'Can ask for runs and reruns'), ('cancel_run', 'Can cancel runs'), ('answer_run', 'Can answer what runs ask'), ('resolve_run', 'Can resolve failures'), ('pin_run', 'Can pin runs'))},
        ),
        migrations.AddField(
            model_name='attempt',
            name='resume_refusal',
            field=models.CharField(blank=True, help_text='Why it started over instead of going on.', max_length=500),
        ),
        migrations.AddField(
            model_name='attempt',
            name='resumed_after',
            field=models.CharField(blank=True, help_text='The finished stage of an earlier attempt it goes on after.', max_length=100),
        ),
        migrations.AddField(
            model_name='attempt',
            name='resumed_from',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.attempt'),
        ),
        migrations.AddField(
            model_name='run',
            name='from_stage',
            field=models.CharField(blank=True, help_text='The stage a rerun begins with; what is before it was done by the run it repeats.', max_length=100),
        ),
        migrations.CreateModel(
            name='CommitGuard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=100)),
                ('effect_key', models.CharField(max_length=200)),
                ('outcome', models.CharField(choices=[('undecided', 'Not known'), ('happened', 'Happened'), ('did_not_happen', 'Did not happen')], default='undecided', max_length=14)),
                ('began_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('decided_by', models.CharField(blank=True, max_length=200)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('after', infra_shared.crypto.EncryptedJSONField(blank=True, null=True)),
                ('attempt', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='commit_guards', to='runs.attempt')),
                ('automation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='automations.automation')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='automations.customer')),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='commit_guards', to='runs.run')),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.AddField(
            model_name='attempt',
            name='waits_for',
            field=models.ForeignKey(blank=True, help_text='The commit of another run that it waits to hear about before it begins.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='waiting_attempts', to='runs.commitguard'),
        ),
        migrations.AddField(
            model_name='attemptstage',
            name='happened_before',
            field=models.ForeignKey(blank=True, help_text='The commit that had happened already, so that this stage did not act.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.commitguard'),
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('stage', models.CharField(max_length=100)),
                ('prompt', models.TextField()),
                ('problem', models.CharField(blank=True, help_text='Why an answer before did not fit.', max_length=500)),
                ('schema', models.JSONField()),
                ('hold', models.BooleanField(default=False, help_text='Whether the browser waits for the answer.')),
                ('on_timeout', models.CharField(choices=[('navigation', 'navigation'), ('timeout', 'timeout'), ('target_not_found', 'target_not_found'), ('target_ambiguous', 'target_ambiguous'), ('wrong_page', 'wrong_page'), ('auth', 'auth'), ('blocked_by_site', 'blocked_by_site'), ('rate_limited', 'rate_limited'), ('bad_params', 'bad_params'), ('bad_result', 'bad_result'), ('browser_crash', 'browser_crash'), ('worker_lost', 'worker_lost'), ('proxy', 'proxy'), ('storage', 'storage'), ('bug', 'bug'), ('cancelled', 'cancelled')], max_length=20)),
                ('asked_at', models.DateTimeField()),
                ('deadline_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('answered_by', models.CharField(blank=True, max_length=200)),
                ('answer', infra_shared.crypto.EncryptedJSONField(blank=True, null=True)),
                ('shown_answer', models.JSONField(blank=True, null=True)),
                ('attempt', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='runs.attempt')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='runs.run')),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(help_text='Of the finished stage, from 1.')),
                ('stage', models.CharField(max_length=100)),
                ('content', infra_shared.crypto.EncryptedJSONField()),
                ('taken_at', models.DateTimeField()),
                ('attempt', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='checkpoints', to='runs.attempt')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='checkpoints', to='runs.run')),
            ],
            options={
                'ordering': ('run', 'position'),
                'constraints': [models.UniqueConstraint(fields=('run', 'position'), name='checkpoint_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='commitguard',
            constraint=models.UniqueConstraint(condition=models.Q(('outcome__in', ('undecided', 'happened'))), fields=('customer', 'automation', 'stage', 'effect_key'), name='commit_once'),
        ),
        migrations.AddConstraint(
            model_name='commitguard',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('outcome', 'undecided')), models.Q(models.Q(('outcome', 'undecided'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='commit_decided_has_moment'),
        ),
        migrations.AddIndex(
            model_name='question',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['deadline_at'], name='question_open'),
        ),
        migrations.AddConstraint(
            model_name='question',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('run',), name='question_open_once'),
        ),
        migrations.AddConstraint(
            model_name='question',
            constraint=models.CheckConstraint(condition=models.Q(('answered_by', ''), ('closed_at__isnull', False), _connector='OR'), name='question_answered_is_closed'),
        ),
    ]
