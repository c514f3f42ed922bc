"""Rules of retention, quotas, stored bytes by day, and what outlives a removed run."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import infra_shared.clock

KINDS = (
    "step_picture",
    "step_html",
    "step_before",
    "step_axtree",
    "stage_state",
    "request_log",
    "console_log",
    "trace",
    "failure_picture",
    "failure_html",
    "failure_axtree",
    "download",
    "result",
    "rejected_rows",
    "input",
    "quarantined",
    "run",
)
OUTCOMES = ("succeeded", "failed", "resolved", "cancelled")


def _id() -> Any:
    return "id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    """Add the tables of retention; the oldest files of a kind are found by an index."""

    dependencies = [
        ("automations", "0006_schedule_priority"),
        ("runs", "0020_quarantined_artifacts"),
    ]
    operations = [
        migrations.CreateModel(
            name="RetentionRule",
            fields=[
                _id(),
                ("kind", models.CharField(choices=[(kind, kind) for kind in KINDS], max_length=20)),
                ("outcome", models.CharField(choices=[(item, item) for item in OUTCOMES], max_length=10)),
                (
                    "keep_days",
                    models.PositiveIntegerField(
                        blank=True, help_text="Empty: a file as long as its run, a run for ever.", null=True
                    ),
                ),
                ("set_by", models.CharField(max_length=200)),
                ("set_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="automations.customer",
                    ),
                ),
            ],
            options={
                "ordering": ("kind", "outcome", "customer"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "outcome", "customer"),
                        name="retention_rule_once",
                        condition=Q(customer__isnull=False),
                    ),
                    models.UniqueConstraint(
                        fields=("kind", "outcome"),
                        name="retention_rule_for_all_once",
                        condition=Q(customer__isnull=True),
                    ),
                    models.CheckConstraint(
                        condition=~Q(kind="run") | Q(keep_days__isnull=True) | Q(keep_days__gte=7),
                        name="retention_rule_of_runs_is_a_week",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageDay",
            fields=[
                _id(),
                ("day", models.DateField()),
                ("kept_bytes", models.PositiveBigIntegerField(default=0)),
                ("kept_files", models.PositiveBigIntegerField(default=0)),
                ("total_bytes", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="automations.customer",
                    ),
                ),
            ],
            options={
                "ordering": ("day", "customer"),
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "day"), name="storage_day_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageQuota",
            fields=[
                _id(),
                ("most_bytes", models.PositiveBigIntegerField()),
                ("set_by", models.CharField(max_length=200)),
                ("set_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="automations.customer",
                    ),
                ),
            ],
            options={
                "ordering": ("customer__key",),
                "constraints": [
                    models.CheckConstraint(condition=Q(most_bytes__gte=1), name="storage_quota_positive"),
                ],
            },
        ),
        migrations.AddField(
            model_name="commitguard",
            name="removed_run",
            field=models.CharField(
                blank=True,
                help_text="The id of the run it began in, once that run was removed.",
                max_length=36,
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="evidence_removed_at",
            field=models.DateTimeField(
                blank=True, help_text="When retention last removed files of it.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="artifact",
            index=models.Index(fields=["kind", "id"], name="artifact_by_kind"),
        ),
    ]
