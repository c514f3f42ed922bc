"""Limits, pauses, sites with their circuit breakers, and what runs count against."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import infra_shared.clock


class Migration(migrations.Migration):
    """Add the tables of limits, pauses and sites, and the whole run's deadline."""

    dependencies = [
        ('runs', '0017_bulk_orders_and_drains'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='ends_by',
            field=models.DateTimeField(blank=True, help_text="When the whole run's time is over; set when its first attempt begins.", null=True),
        ),
        migrations.AddField(
            model_name='slot',
            name='most',
            field=models.PositiveIntegerField(default=1, help_text='The limit it was taken under.'),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name='Limit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255, unique=True)),
                ('most', models.PositiveIntegerField(blank=True, help_text='At once; None leaves it open.', null=True)),
                ('starts_per_minute', models.PositiveIntegerField(blank=True, help_text='For a site: how many attempts may begin in a minute, evenly spaced.', null=True)),
                ('set_by', models.CharField(max_length=200)),
                ('set_at', models.DateTimeField(default=infra_shared.clock.utc_now)),
            ],
            options={
                'ordering': ('key',),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('most__isnull', False), ('starts_per_minute__isnull', False), _connector='OR'), models.Q(('most__isnull', True), ('most__gte', 1), _connector='OR'), models.Q(('starts_per_minute__isnull', True), ('starts_per_minute__gte', 1), _connector='OR')), name='limit_says_something')],
            },
        ),
        migrations.CreateModel(
            name='Pause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=255, unique=True)),
                ('reason', models.CharField(max_length=500)),
                ('paused_by', models.CharField(help_text='Actor, such as operator:anna.', max_length=200)),
                ('paused_at', models.DateTimeField(default=infra_shared.clock.utc_now)),
            ],
            options={
                'ordering': ('paused_at',),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('scope', ''), _negated=True), models.Q(('reason', ''), _negated=True)), name='pause_says_what_and_why')],
            },
        ),
        migrations.CreateModel(
            name='Demand',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255)),
                ('most', models.PositiveIntegerField(null=True)),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='demands', to='runs.run')),
            ],
            options={
                'ordering': ('run', 'key'),
                'constraints': [models.UniqueConstraint(fields=('run', 'key'), name='demand_once')],
            },
        ),
        migrations.CreateModel(
            name='Site',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(max_length=255, unique=True)),
                ('breaker', models.CharField(choices=[('closed', 'Closed'), ('open', 'Open'), ('half_open', 'Half open')], default='closed', max_length=10)),
                ('breaker_reason', models.CharField(blank=True, max_length=500)),
                ('changed_at', models.DateTimeField(blank=True, help_text='When the breaker last changed.', null=True)),
                ('times_opened', models.PositiveIntegerField(default=0, help_text='In a row, without closing.')),
                ('probe_at', models.DateTimeField(blank=True, help_text='Open: when one attempt goes ahead.', null=True)),
                ('failures', models.JSONField(default=list, help_text='When the latest failures were, as ISO 8601.')),
                ('next_start_at', models.DateTimeField(blank=True, help_text='No attempt begins before.', null=True)),
                ('open_after', models.PositiveIntegerField(default=5, help_text='Failures that open the breaker.')),
                ('window_seconds', models.PositiveIntegerField(default=300, help_text='Within this time.')),
                ('pause_seconds', models.PositiveIntegerField(default=60, help_text='How long it stays open at first.')),
                ('probe', models.ForeignKey(blank=True, help_text='Half open: the attempt that went ahead.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.attempt')),
            ],
            options={
                'ordering': ('origin',),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('breaker', 'open'), _negated=True), ('probe_at__isnull', False), _connector='OR'), name='site_open_says_until_when'), models.CheckConstraint(condition=models.Q(('open_after__gte', 1), ('pause_seconds__gte', 1), ('window_seconds__gte', 1)), name='site_patience_positive')],
            },
        ),
    ]
