"""The tables of runs and of all that belongs to them, and an index on the tickets that lead to them."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import infra_shared.clock
import infra_shared.crypto
import infra_shared.ids


class Migration(migrations.Migration):
    """Make the tables, each with its indexes and constraints."""

    # What databases that are older than the first release have applied already.
    replaces = [
        ("runs", "0001_initial"),
        ("runs", "0002_answers_and_figures"),
        ("runs", "0003_given_creation_times"),
        ("runs", "0004_evidence_kinds"),
        ("runs", "0005_ticket_index"),
        ("runs", "0006_run_permissions"),
        ("runs", "0008_step_heals"),
        ("runs", "0010_effects_checkpoints_questions"),
        ("runs", "0012_rejected_rows"),
        ("runs", "0013_schedule_ledger"),
        ("runs", "0015_occurrence_handled"),
        ("runs", "0017_bulk_orders_and_drains"),
        ("runs", "0018_limits_pauses_sites"),
        ("runs", "0020_quarantined_artifacts"),
        ("runs", "0021_retention"),
        ("runs", "0022_run_secrets"),
        ("runs", "0023_attempt_sessions"),
        ("runs", "0025_quarantined_index"),
        ("runs", "0026_artifacts_waiting"),
        ("runs", "0027_attempt_logs"),
        ("runs", "0028_node_browsers"),
        ("runs", "0029_run_imports"),
        ("runs", "0031_dispatcher_processes"),
        ("runs", "0032_attempt_session_index"),
    ]

    initial = True

    dependencies = [
        ("automations", "0001_tables"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
        ("infra_shared", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Node",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=200)),
                ("pid", models.PositiveIntegerField()),
                ("queues", models.JSONField(default=list)),
                ("versions", models.JSONField(default=list)),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField()),
                ("draining_since", models.DateTimeField(blank=True, null=True)),
                (
                    "drain_asked_by",
                    models.CharField(
                        blank=True, help_text="Who asked it to leave; empty: nobody, or a signal did.", max_length=200
                    ),
                ),
                ("stopped_at", models.DateTimeField(blank=True, null=True)),
                ("browsers", models.PositiveIntegerField(default=0)),
                ("browser_memory_bytes", models.PositiveBigIntegerField(default=0)),
                ("browsers_started", models.PositiveIntegerField(default=0, help_text="Since the node started.")),
            ],
            options={
                "ordering": ("-heartbeat_at",),
                "permissions": (("drain_node", "Can have nodes leave"),),
            },
        ),
        migrations.CreateModel(
            name="BulkOrder",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(choices=[("cancel", "Cancel"), ("rerun", "Rerun")], max_length=10)),
                (
                    "filter",
                    models.JSONField(default=dict, help_text="Which runs: `runs.services.run_filter.RunFilter`."),
                ),
                (
                    "customers",
                    models.JSONField(default=list, help_text="Whose runs whoever gave it reaches; * is all."),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("requested_by", models.CharField(max_length=200)),
                ("idempotency_key", models.CharField(blank=True, max_length=255, null=True)),
                ("total", models.PositiveIntegerField(help_text="How many runs it was about when it was given.")),
                ("done", models.PositiveIntegerField(default=0)),
                ("skipped", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("newest", models.UUIDField()),
                ("reached", models.UUIDField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "worked_until",
                    models.DateTimeField(blank=True, help_text="Until when one process has it for itself.", null=True),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "caller",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="infra_shared.caller",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished_at__isnull", True)), fields=["id"], name="bulk_order_unfinished"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key__isnull", False)),
                        fields=("caller", "idempotency_key"),
                        name="bulk_order_idempotency_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HourFigures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("succeeded", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("cancelled", models.PositiveIntegerField(default=0)),
                ("seconds_total", models.FloatField(default=0)),
                ("seconds_histogram", models.JSONField(default=dict)),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="automations.automation"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="automations.customer"
                    ),
                ),
            ],
            options={
                "ordering": ("hour",),
                "constraints": [
                    models.UniqueConstraint(fields=("hour", "automation", "customer"), name="hour_figures_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Limit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255, unique=True)),
                ("most", models.PositiveIntegerField(blank=True, help_text="At once; None leaves it open.", null=True)),
                (
                    "starts_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="For a site: how many attempts may begin in a minute, evenly spaced.",
                        null=True,
                    ),
                ),
                ("set_by", models.CharField(max_length=200)),
                ("set_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
            ],
            options={
                "ordering": ("key",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("most__isnull", False), ("starts_per_minute__isnull", False), _connector="OR"),
                            models.Q(("most__isnull", True), ("most__gte", 1), _connector="OR"),
                            models.Q(
                                ("starts_per_minute__isnull", True), ("starts_per_minute__gte", 1), _connector="OR"
                            ),
                        ),
                        name="limit_says_something",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Pause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(max_length=255, unique=True)),
                ("reason", models.CharField(max_length=500)),
                ("paused_by", models.CharField(help_text="Actor, such as operator:anna.", max_length=200)),
                ("paused_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
            ],
            options={
                "ordering": ("paused_at",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("scope", ""), _negated=True), models.Q(("reason", ""), _negated=True)
                        ),
                        name="pause_says_what_and_why",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RetentionRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("step_picture", "step_picture"),
                            ("step_html", "step_html"),
                            ("step_before", "step_before"),
                            ("step_axtree", "step_axtree"),
                            ("stage_state", "stage_state"),
                            ("request_log", "request_log"),
                            ("console_log", "console_log"),
                            ("log", "log"),
                            ("trace", "trace"),
                            ("failure_picture", "failure_picture"),
                            ("failure_html", "failure_html"),
                            ("failure_axtree", "failure_axtree"),
                            ("download", "download"),
                            ("result", "result"),
                            ("rejected_rows", "rejected_rows"),
                            ("input", "input"),
                            ("quarantined", "quarantined"),
                            ("run", "run"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("succeeded", "succeeded"),
                            ("failed", "failed"),
                            ("resolved", "resolved"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
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
                        condition=models.Q(("customer__isnull", False)),
                        fields=("kind", "outcome", "customer"),
                        name="retention_rule_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("customer__isnull", True)),
                        fields=("kind", "outcome"),
                        name="retention_rule_for_all_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "run"), _negated=True),
                            ("keep_days__isnull", True),
                            ("keep_days__gte", 7),
                            _connector="OR",
                        ),
                        name="retention_rule_of_runs_is_a_week",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("kept_bytes", models.PositiveBigIntegerField(default=0)),
                ("kept_files", models.PositiveBigIntegerField(default=0)),
                ("total_bytes", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="automations.customer"
                    ),
                ),
            ],
            options={
                "ordering": ("day", "customer"),
                "default_permissions": ("view",),
                "constraints": [models.UniqueConstraint(fields=("customer", "day"), name="storage_day_once")],
            },
        ),
        migrations.CreateModel(
            name="StorageQuota",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("most_bytes", models.PositiveBigIntegerField()),
                ("set_by", models.CharField(max_length=200)),
                ("set_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="automations.customer"
                    ),
                ),
            ],
            options={
                "ordering": ("customer__key",),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("most_bytes__gte", 1)), name="storage_quota_positive")
                ],
            },
        ),
        migrations.CreateModel(
            name="DispatcherProcess",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("host_name", models.CharField(max_length=200)),
                ("pid", models.PositiveIntegerField()),
                (
                    "ticked_at",
                    models.DateTimeField(help_text="When it last had done all that was due; told each quarter lease."),
                ),
                (
                    "node",
                    models.OneToOneField(
                        blank=True,
                        help_text="Empty for one that was started by itself.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dispatcher",
                        to="runs.node",
                    ),
                ),
            ],
            options={
                "ordering": ("-ticked_at",),
            },
        ),
        migrations.CreateModel(
            name="AutomationHealth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("recent", models.JSONField(default=list)),
                ("failing_streak", models.PositiveIntegerField(default=0)),
                ("updated_at", models.DateTimeField()),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="health", to="automations.automation"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="automations.customer"
                    ),
                ),
            ],
            options={
                "ordering": ("automation", "customer"),
                "constraints": [
                    models.UniqueConstraint(fields=("automation", "customer"), name="automation_health_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="FailureFamily",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stage", models.CharField(blank=True, max_length=100)),
                (
                    "failure_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("navigation", "navigation"),
                            ("timeout", "timeout"),
                            ("target_not_found", "target_not_found"),
                            ("target_ambiguous", "target_ambiguous"),
                            ("wrong_page", "wrong_page"),
                            ("auth", "auth"),
                            ("blocked_by_site", "blocked_by_site"),
                            ("rate_limited", "rate_limited"),
                            ("bad_params", "bad_params"),
                            ("bad_result", "bad_result"),
                            ("browser_crash", "browser_crash"),
                            ("worker_lost", "worker_lost"),
                            ("proxy", "proxy"),
                            ("storage", "storage"),
                            ("bug", "bug"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("digest", models.CharField(help_text="SHA-256 of the normalised message.", max_length=64)),
                ("message", models.TextField(help_text="The normalised message.")),
                ("count", models.PositiveIntegerField(default=0)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="automations.automation"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="automations.customer"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "failure families",
                "ordering": ("-last_seen_at",),
                "indexes": [models.Index(fields=["-last_seen_at"], name="failure_family_recent")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("automation", "customer", "stage", "failure_kind", "digest"), name="failure_family_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Occurrence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fire_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits for the run before it"),
                            ("fired", "Fired"),
                            ("coalesced", "Coalesced into a later one"),
                            ("skipped", "Skipped"),
                            ("missed", "Missed"),
                            ("refused", "Refused"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("handled_at", models.DateTimeField()),
                ("offset_seconds", models.PositiveIntegerField(default=0)),
                ("backfill", models.BooleanField(default=False)),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="occurrences",
                        to="automations.schedule",
                    ),
                ),
            ],
            options={
                "ordering": ("-fire_at",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["schedule", "fire_at"],
                        name="occurrence_waiting",
                    ),
                    models.Index(fields=["handled_at"], name="occurrence_handled"),
                ],
                "constraints": [models.UniqueConstraint(fields=("schedule", "fire_at"), name="occurrence_once")],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("queue", models.CharField(default="default", max_length=63)),
                ("priority", models.SmallIntegerField(default=0, help_text="Higher goes first.")),
                ("params", models.JSONField(default=dict)),
                (
                    "evidence_level",
                    models.CharField(choices=[("off", "off"), ("default", "default"), ("full", "full")], max_length=10),
                ),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("schedule", "Schedule"),
                            ("event", "Event"),
                            ("api", "API"),
                            ("operator", "Operator"),
                            ("command", "Command"),
                            ("rerun", "Rerun"),
                            ("import", "Import"),
                        ],
                        max_length=10,
                    ),
                ),
                ("cause_ref", models.CharField(blank=True, max_length=200)),
                (
                    "requested_by",
                    models.CharField(
                        blank=True, help_text="Actor, such as operator:anna or caller:ci.", max_length=200
                    ),
                ),
                ("idempotency_key", models.CharField(blank=True, max_length=255, null=True)),
                ("request_digest", models.CharField(blank=True, max_length=64)),
                (
                    "from_stage",
                    models.CharField(
                        blank=True,
                        help_text="The stage a rerun begins with; what is before it was done by the run it repeats.",
                        max_length=100,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("queued", "Queued"),
                            ("waiting_slot", "Waiting for a slot"),
                            ("running", "Running"),
                            ("retry_wait", "Waiting to retry"),
                            ("waiting_input", "Needs a person"),
                            ("cancelling", "Cancelling"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("timed_out", "Timed out"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                        ],
                        default="scheduled",
                        max_length=14,
                    ),
                ),
                (
                    "state_reason",
                    models.CharField(blank=True, help_text="Why it is in this state, in words.", max_length=500),
                ),
                (
                    "failure_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("navigation", "navigation"),
                            ("timeout", "timeout"),
                            ("target_not_found", "target_not_found"),
                            ("target_ambiguous", "target_ambiguous"),
                            ("wrong_page", "wrong_page"),
                            ("auth", "auth"),
                            ("blocked_by_site", "blocked_by_site"),
                            ("rate_limited", "rate_limited"),
                            ("bad_params", "bad_params"),
                            ("bad_result", "bad_result"),
                            ("browser_crash", "browser_crash"),
                            ("worker_lost", "worker_lost"),
                            ("proxy", "proxy"),
                            ("storage", "storage"),
                            ("bug", "bug"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("failure_message", models.TextField(blank=True)),
                ("failed_stage", models.CharField(blank=True, max_length=100)),
                ("attempts_made", models.PositiveSmallIntegerField(default=0)),
                ("max_attempts", models.PositiveSmallIntegerField(default=1)),
                ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                (
                    "resolved_at",
                    models.DateTimeField(blank=True, help_text="When a failure stopped being open.", null=True),
                ),
                ("resolved_by", models.CharField(blank=True, max_length=200)),
                ("resolution_note", models.TextField(blank=True)),
                (
                    "pinned_at",
                    models.DateTimeField(blank=True, help_text="Pinned runs outlive every retention rule.", null=True),
                ),
                ("pinned_by", models.CharField(blank=True, max_length=200)),
                (
                    "evidence_removed_at",
                    models.DateTimeField(blank=True, help_text="When retention last removed files of it.", null=True),
                ),
                (
                    "result",
                    models.JSONField(
                        blank=True, help_text="Results up to 64 KB; larger ones are an artifact.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "ends_by",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the whole run's time is over; set when its first attempt begins.",
                        null=True,
                    ),
                ),
                ("expires_at", models.DateTimeField(help_text="When waiting for the next attempt to begin ends.")),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="automations.automation"
                    ),
                ),
                (
                    "caller",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="infra_shared.caller",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="automations.customer"
                    ),
                ),
                (
                    "rerun_of",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reruns",
                        to="runs.run",
                    ),
                ),
                (
                    "root",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="descendants",
                        to="runs.run",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="automations.automationversion",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "permissions": (
                    ("request_run", "Can ask for runs and reruns"),
                    ("cancel_run", "Can cancel runs"),
                    ("answer_run", "Can answer what runs ask"),
                    ("resolve_run", "Can resolve failures"),
                    ("pin_run", "Can pin runs"),
                ),
                "indexes": [
                    models.Index(fields=["state", "-id"], name="run_by_state"),
                    models.Index(fields=["automation", "-id"], name="run_by_automation"),
                    models.Index(fields=["customer", "-id"], name="run_by_customer"),
                    models.Index(fields=["root", "-id"], name="run_by_root"),
                    models.Index(
                        condition=models.Q(
                            ("resolved_at__isnull", True), ("state__in", ["expired", "failed", "timed_out"])
                        ),
                        fields=["automation", "-id"],
                        name="run_open_failure",
                    ),
                    models.Index(condition=models.Q(("pinned_at__isnull", False)), fields=["-id"], name="run_pinned"),
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "retry_wait", "scheduled", "waiting_slot"])),
                        fields=["expires_at"],
                        name="run_waiting",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key__isnull", False)),
                        fields=("caller", "idempotency_key"),
                        name="run_idempotency_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at__isnull", False),
                                ("state__in", ["cancelled", "expired", "failed", "succeeded", "timed_out"]),
                            ),
                            models.Q(
                                models.Q(
                                    ("state__in", ["cancelled", "expired", "failed", "succeeded", "timed_out"]),
                                    _negated=True,
                                ),
                                ("finished_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="run_finished_exactly_when_terminal",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "succeeded"), _negated=True), ("failure_kind", ""), _connector="OR"
                        ),
                        name="run_succeeded_without_failure",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("resolved_at__isnull", True),
                            ("state__in", ["expired", "failed", "timed_out"]),
                            _connector="OR",
                        ),
                        name="run_resolved_only_when_failed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "running"), _negated=True),
                            ("started_at__isnull", False),
                            _connector="OR",
                        ),
                        name="run_running_has_started",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RunImport",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="imported",
                        serialize=False,
                        to="runs.run",
                    ),
                ),
                ("origin", models.UUIDField(unique=True)),
                ("about", models.JSONField(default=dict)),
                ("imported_at", models.DateTimeField()),
                ("imported_by", models.CharField(max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="RunSecrets",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="secrets",
                        serialize=False,
                        to="runs.run",
                    ),
                ),
                ("content", infra_shared.crypto.EncryptedJSONField()),
            ],
            options={
                "verbose_name_plural": "run secrets",
            },
        ),
        migrations.CreateModel(
            name="Demand",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("most", models.PositiveIntegerField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="demands",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "ordering": ("run", "key"),
                "constraints": [models.UniqueConstraint(fields=("run", "key"), name="demand_once")],
            },
        ),
        migrations.CreateModel(
            name="BulkItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "outcome",
                    models.CharField(
                        choices=[("done", "Done"), ("skipped", "Skipped"), ("failed", "Failed")], max_length=10
                    ),
                ),
                ("reason", models.CharField(blank=True, help_text="Why it was skipped or failed.", max_length=500)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="runs.bulkorder"
                    ),
                ),
                (
                    "new_run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="runs.run",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="runs.run"),
                ),
            ],
            options={
                "ordering": ("pk",),
                "indexes": [models.Index(fields=["order", "outcome"], name="bulk_item_by_outcome")],
                "constraints": [models.UniqueConstraint(fields=("order", "run"), name="bulk_item_once")],
            },
        ),
        migrations.CreateModel(
            name="CommitGuard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stage", models.CharField(max_length=100)),
                ("effect_key", models.CharField(max_length=200)),
                (
                    "removed_run",
                    models.CharField(
                        blank=True, help_text="The id of the run it began in, once that run was removed.", max_length=36
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("undecided", "Not known"),
                            ("happened", "Happened"),
                            ("did_not_happen", "Did not happen"),
                        ],
                        default="undecided",
                        max_length=14,
                    ),
                ),
                ("began_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_by", models.CharField(blank=True, max_length=200)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("after", infra_shared.crypto.EncryptedJSONField(blank=True, null=True)),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="automations.automation"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="automations.customer"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="commit_guards",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("outcome__in", ("undecided", "happened"))),
                        fields=("customer", "automation", "stage", "effect_key"),
                        name="commit_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("outcome", "undecided")),
                            models.Q(models.Q(("outcome", "undecided"), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="commit_decided_has_moment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("timed_out", "Timed out"),
                            ("lost", "Lost"),
                            ("cancelled", "Cancelled"),
                            ("parked", "Parked"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("free", models.BooleanField(default=False)),
                ("queue", models.CharField(default="default", max_length=63)),
                ("priority", models.SmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(help_text="Not to be started before this moment.")),
                ("fence", models.PositiveBigIntegerField(default=0)),
                (
                    "worker_name",
                    models.CharField(
                        blank=True, help_text="Node and process, kept when both are gone.", max_length=200
                    ),
                ),
                (
                    "browser",
                    models.JSONField(default=dict, help_text="Version and profile of the browser that was used."),
                ),
                (
                    "resumed_after",
                    models.CharField(
                        blank=True,
                        help_text="The finished stage of an earlier attempt it goes on after.",
                        max_length=100,
                    ),
                ),
                (
                    "resume_refusal",
                    models.CharField(blank=True, help_text="Why it started over instead of going on.", max_length=500),
                ),
                (
                    "session",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("fresh", "fresh"),
                            ("cached", "cached"),
                            ("refreshed", "refreshed"),
                            ("degraded", "degraded"),
                        ],
                        help_text="How it came to be signed in, where its automation shares a signed-in session.",
                        max_length=10,
                    ),
                ),
                ("session_note", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                ("ticketed_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("deadline_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "failure_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("navigation", "navigation"),
                            ("timeout", "timeout"),
                            ("target_not_found", "target_not_found"),
                            ("target_ambiguous", "target_ambiguous"),
                            ("wrong_page", "wrong_page"),
                            ("auth", "auth"),
                            ("blocked_by_site", "blocked_by_site"),
                            ("rate_limited", "rate_limited"),
                            ("bad_params", "bad_params"),
                            ("bad_result", "bad_result"),
                            ("browser_crash", "browser_crash"),
                            ("worker_lost", "worker_lost"),
                            ("proxy", "proxy"),
                            ("storage", "storage"),
                            ("bug", "bug"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("failure_message", models.TextField(blank=True)),
                ("failed_stage", models.CharField(blank=True, max_length=100)),
                (
                    "executed_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="automations.automationversion",
                    ),
                ),
                (
                    "resumed_from",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="runs.attempt",
                    ),
                ),
                (
                    "waits_for",
                    models.ForeignKey(
                        blank=True,
                        help_text="The commit of another run that it waits to hear about before it begins.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="waiting_attempts",
                        to="runs.commitguard",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="runs.run"
                    ),
                ),
            ],
            options={
                "ordering": ("run", "number"),
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("priority"), descending=True),
                        models.F("due_at"),
                        models.F("id"),
                        condition=models.Q(("state", "queued")),
                        name="attempt_queued",
                    ),
                    models.Index(
                        condition=models.Q(("state", "running")), fields=["deadline_at"], name="attempt_running"
                    ),
                    models.Index(
                        condition=models.Q(("session", ""), _negated=True),
                        fields=["session", "-run"],
                        name="attempt_session",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "number"), name="attempt_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("queued", "running"))),
                        fields=("run",),
                        name="attempt_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "running"), _negated=True),
                            models.Q(("deadline_at__isnull", False), ("fence__gt", 0), ("started_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="attempt_running_is_claimed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at__isnull", False),
                                ("state__in", ["cancelled", "failed", "lost", "parked", "succeeded", "timed_out"]),
                            ),
                            models.Q(
                                models.Q(
                                    ("state__in", ["cancelled", "failed", "lost", "parked", "succeeded", "timed_out"]),
                                    _negated=True,
                                ),
                                ("finished_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="attempt_finished_exactly_when_terminal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AttemptStage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=100)),
                (
                    "effect",
                    models.CharField(
                        choices=[("read", "read"), ("idempotent", "idempotent"), ("commit", "commit")], max_length=10
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("succeeded", models.BooleanField(null=True)),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="stages", to="runs.attempt"
                    ),
                ),
                (
                    "happened_before",
                    models.ForeignKey(
                        blank=True,
                        help_text="The commit that had happened already, so that this stage did not act.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="runs.commitguard",
                    ),
                ),
            ],
            options={
                "ordering": ("attempt", "position"),
                "constraints": [
                    models.UniqueConstraint(fields=("attempt", "position"), name="stage_position_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("succeeded__isnull", True)),
                            models.Q(("finished_at__isnull", False), ("succeeded__isnull", False)),
                            _connector="OR",
                        ),
                        name="stage_finished_has_outcome",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200)),
                ("stage", models.CharField(max_length=100)),
                ("prompt", models.TextField()),
                (
                    "problem",
                    models.CharField(blank=True, help_text="Why an answer before did not fit.", max_length=500),
                ),
                ("schema", models.JSONField()),
                ("hold", models.BooleanField(default=False, help_text="Whether the browser waits for the answer.")),
                (
                    "on_timeout",
                    models.CharField(
                        choices=[
                            ("navigation", "navigation"),
                            ("timeout", "timeout"),
                            ("target_not_found", "target_not_found"),
                            ("target_ambiguous", "target_ambiguous"),
                            ("wrong_page", "wrong_page"),
                            ("auth", "auth"),
                            ("blocked_by_site", "blocked_by_site"),
                            ("rate_limited", "rate_limited"),
                            ("bad_params", "bad_params"),
                            ("bad_result", "bad_result"),
                            ("browser_crash", "browser_crash"),
                            ("worker_lost", "worker_lost"),
                            ("proxy", "proxy"),
                            ("storage", "storage"),
                            ("bug", "bug"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("deadline_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("answered_by", models.CharField(blank=True, max_length=200)),
                ("answer", infra_shared.crypto.EncryptedJSONField(blank=True, null=True)),
                ("shown_answer", models.JSONField(blank=True, null=True)),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="questions", to="runs.attempt"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="questions", to="runs.run"
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("closed_at__isnull", True)), fields=["deadline_at"], name="question_open"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)), fields=("run",), name="question_open_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("answered_by", ""), ("closed_at__isnull", False), _connector="OR"),
                        name="question_answered_is_closed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(help_text="Of the finished stage, from 1.")),
                ("stage", models.CharField(max_length=100)),
                ("content", infra_shared.crypto.EncryptedJSONField()),
                ("taken_at", models.DateTimeField()),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="checkpoints", to="runs.attempt"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="checkpoints", to="runs.run"
                    ),
                ),
            ],
            options={
                "ordering": ("run", "position"),
                "constraints": [models.UniqueConstraint(fields=("run", "position"), name="checkpoint_once")],
            },
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.CharField(max_length=255, unique=True)),
                (
                    "breaker",
                    models.CharField(
                        choices=[("closed", "Closed"), ("open", "Open"), ("half_open", "Half open")],
                        default="closed",
                        max_length=10,
                    ),
                ),
                ("breaker_reason", models.CharField(blank=True, max_length=500)),
                ("changed_at", models.DateTimeField(blank=True, help_text="When the breaker last changed.", null=True)),
                ("times_opened", models.PositiveIntegerField(default=0, help_text="In a row, without closing.")),
                (
                    "probe_at",
                    models.DateTimeField(blank=True, help_text="Open: when one attempt goes ahead.", null=True),
                ),
                ("failures", models.JSONField(default=list, help_text="When the latest failures were, as ISO 8601.")),
                ("next_start_at", models.DateTimeField(blank=True, help_text="No attempt begins before.", null=True)),
                ("open_after", models.PositiveIntegerField(default=5, help_text="Failures that open the breaker.")),
                ("window_seconds", models.PositiveIntegerField(default=300, help_text="Within this time.")),
                (
                    "pause_seconds",
                    models.PositiveIntegerField(default=60, help_text="How long it stays open at first."),
                ),
                (
                    "probe",
                    models.ForeignKey(
                        blank=True,
                        help_text="Half open: the attempt that went ahead.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="runs.attempt",
                    ),
                ),
            ],
            options={
                "ordering": ("origin",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("breaker", "open"), _negated=True), ("probe_at__isnull", False), _connector="OR"
                        ),
                        name="site_open_says_until_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("open_after__gte", 1), ("pause_seconds__gte", 1), ("window_seconds__gte", 1)
                        ),
                        name="site_patience_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("n", models.PositiveIntegerField()),
                ("acquired_at", models.DateTimeField()),
                ("most", models.PositiveIntegerField(help_text="The limit it was taken under.")),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="slots", to="runs.attempt"
                    ),
                ),
            ],
            options={
                "ordering": ("key", "n"),
                "constraints": [models.UniqueConstraint(fields=("key", "n"), name="slot_held_once")],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("index", models.PositiveIntegerField()),
                ("stage", models.CharField(max_length=100)),
                ("action", models.CharField(max_length=30)),
                ("description", models.TextField()),
                ("target", models.JSONField(blank=True, null=True)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("duration_seconds", models.FloatField(blank=True, null=True)),
                ("succeeded", models.BooleanField(null=True)),
                (
                    "tier",
                    models.CharField(
                        blank=True, choices=[("dom", "dom"), ("axtree", "axtree"), ("vision", "vision")], max_length=10
                    ),
                ),
                ("url", models.TextField(blank=True)),
                (
                    "failure_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("navigation", "navigation"),
                            ("timeout", "timeout"),
                            ("target_not_found", "target_not_found"),
                            ("target_ambiguous", "target_ambiguous"),
                            ("wrong_page", "wrong_page"),
                            ("auth", "auth"),
                            ("blocked_by_site", "blocked_by_site"),
                            ("rate_limited", "rate_limited"),
                            ("bad_params", "bad_params"),
                            ("bad_result", "bad_result"),
                            ("browser_crash", "browser_crash"),
                            ("worker_lost", "worker_lost"),
                            ("proxy", "proxy"),
                            ("storage", "storage"),
                            ("bug", "bug"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                ("decisions", models.JSONField(default=list)),
                ("changed", models.BooleanField(null=True)),
                ("fingerprint_key", models.CharField(blank=True, default="", max_length=255)),
                ("fingerprint", models.JSONField(blank=True, null=True)),
                ("heal", models.JSONField(blank=True, null=True)),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="runs.attempt"
                    ),
                ),
            ],
            options={
                "ordering": ("attempt", "index"),
                "constraints": [
                    models.UniqueConstraint(fields=("attempt", "index"), name="step_index_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("succeeded__isnull", True)),
                            models.Q(("finished_at__gte", models.F("started_at")), ("succeeded__isnull", False)),
                            _connector="OR",
                        ),
                        name="step_finished_has_outcome",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_state", models.CharField(blank=True, max_length=14)),
                ("to_state", models.CharField(max_length=14)),
                ("actor", models.CharField(max_length=200)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField()),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transitions",
                        to="runs.attempt",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="transitions", to="runs.run"
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="WorkerProcess",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("queue", models.CharField(max_length=63)),
                ("pid", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField()),
                ("lease_expires_at", models.DateTimeField()),
                ("browser_contexts", models.PositiveSmallIntegerField(default=0)),
                (
                    "current_attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="runs.attempt",
                    ),
                ),
                (
                    "node",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="processes", to="runs.node"
                    ),
                ),
            ],
            options={
                "ordering": ("node", "queue", "pid"),
                "indexes": [models.Index(fields=["queue", "lease_expires_at"], name="worker_by_queue")],
            },
        ),
        migrations.CreateModel(
            name="Artifact",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("stage", models.CharField(blank=True, max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("step_picture", "step_picture"),
                            ("step_html", "step_html"),
                            ("step_before", "step_before"),
                            ("step_axtree", "step_axtree"),
                            ("failure_picture", "failure_picture"),
                            ("failure_html", "failure_html"),
                            ("failure_axtree", "failure_axtree"),
                            ("trace", "trace"),
                            ("request_log", "request_log"),
                            ("console_log", "console_log"),
                            ("stage_state", "stage_state"),
                            ("download", "download"),
                            ("result", "result"),
                            ("rejected_rows", "rejected_rows"),
                            ("input", "input"),
                            ("log", "log"),
                        ],
                        max_length=20,
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("content_type", models.CharField(max_length=100)),
                ("size_bytes", models.PositiveBigIntegerField(default=0)),
                ("missing_reason", models.CharField(blank=True, max_length=500)),
                ("quarantined_at", models.DateTimeField(blank=True, null=True)),
                ("quarantine_reason", models.CharField(blank=True, max_length=500)),
                ("meta", models.JSONField(default=dict)),
                ("captured_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "blob",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="infra_shared.blob",
                    ),
                ),
                (
                    "sealed_blob",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="infra_shared.blob",
                    ),
                ),
                (
                    "spool",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="infra_shared.spool",
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="artifacts",
                        to="runs.attempt",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="artifacts", to="runs.run"
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="artifacts",
                        to="runs.step",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "indexes": [
                    models.Index(fields=["run", "kind"], name="artifact_by_run"),
                    models.Index(fields=["kind", "id"], name="artifact_by_kind"),
                    models.Index(
                        condition=models.Q(("quarantined_at__isnull", False)),
                        fields=["id"],
                        name="artifact_quarantined",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("blob__isnull", False), ("missing_reason", "")),
                            models.Q(("blob__isnull", True), models.Q(("missing_reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="artifact_stored_or_missing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("quarantine_reason", ""),
                                ("quarantined_at__isnull", True),
                                ("sealed_blob__isnull", True),
                            ),
                            models.Q(
                                ("blob__isnull", True),
                                ("quarantined_at__isnull", False),
                                models.Q(("quarantine_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="artifact_quarantined_or_not",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("spool__isnull", True),
                            models.Q(("blob__isnull", True), ("sealed_blob__isnull", True)),
                            _connector="OR",
                        ),
                        name="artifact_waits_or_is_stored",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="automationhealth",
            name="last_success",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="runs.run"
            ),
        ),
        migrations.AddField(
            model_name="failurefamily",
            name="last_run",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="runs.run"
            ),
        ),
        migrations.AddField(
            model_name="occurrence",
            name="run",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="occurrence",
                to="runs.run",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="result_artifact",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="runs.artifact",
            ),
        ),
        migrations.AddField(
            model_name="commitguard",
            name="attempt",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="commit_guards",
                to="runs.attempt",
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="worker",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="attempts",
                to="runs.workerprocess",
            ),
        ),
        migrations.AddConstraint(
            model_name="occurrence",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "fired"), ("run__isnull", True), _connector="OR"),
                name="occurrence_run_only_when_fired",
            ),
        ),
        # The broker's own question: with 100,000 locked tickets its SELECT took 44 ms without and 1.7 ms with it.
        migrations.RunSQL(
            sql="CREATE INDEX IF NOT EXISTS runs_ticket_by_queue ON django_q_ormq (key, lock)",
            reverse_sql="DROP INDEX IF EXISTS runs_ticket_by_queue",
        ),
    ]
