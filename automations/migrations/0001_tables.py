"""The tables of automations, their versions, customers, schedules and credentials."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import infra_shared.clock
import infra_shared.crypto
import infra_shared.ids


class Migration(migrations.Migration):
    """Make the tables, each with its indexes and constraints."""

    # What databases that are older than the first release have applied already.
    replaces = [
        ("automations", "0001_initial"),
        ("automations", "0002_flow_documents"),
        ("automations", "0003_heal_proposals"),
        ("automations", "0004_uploaded_files"),
        ("automations", "0005_schedule_choices"),
        ("automations", "0006_schedule_priority"),
        ("automations", "0007_spent_codes"),
        ("automations", "0008_credential_bindings"),
    ]

    initial = True

    dependencies = [
        ("infra_shared", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Credential",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$",
                                "Use lower-case letters, digits and hyphens, such as 'acme-north'.",
                            )
                        ],
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("login", "User name and password"),
                            ("token", "Token"),
                            ("totp", "One-time codes"),
                            ("general", "Fields of your own"),
                        ],
                        default="general",
                        max_length=10,
                    ),
                ),
                ("fields", infra_shared.crypto.EncryptedJSONField()),
                (
                    "field_names",
                    models.JSONField(
                        blank=True, default=list, help_text="Names of the fields, so that screens can list them."
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        help_text="Where a vault keeps the fields, such as env:CREDENTIAL_SHOP.",
                        max_length=200,
                    ),
                ),
                ("sites", models.JSONField(blank=True, default=list, help_text="Origins it is bound to.")),
                ("any_site", models.BooleanField(default=False, help_text="May go to any site at all.")),
                ("customers", models.JSONField(blank=True, default=list, help_text="Keys of the customers it is for.")),
                (
                    "automations",
                    models.JSONField(blank=True, default=list, help_text="Keys of the automations it is for."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        max_length=63,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$",
                                "Use lower-case letters, digits and hyphens, such as 'acme-north'.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("key",),
            },
        ),
        migrations.CreateModel(
            name="CredentialUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("credential", models.CharField(max_length=100)),
                ("run_id", models.UUIDField()),
                ("attempt", models.PositiveIntegerField()),
                ("automation", models.CharField(max_length=100)),
                ("customer", models.CharField(max_length=63)),
                ("used_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "ordering": ("-pk",),
                "indexes": [models.Index(fields=["credential", "-id"], name="uses_of_a_credential")],
                "constraints": [
                    models.UniqueConstraint(fields=("credential", "run_id", "attempt"), name="a_use_is_kept_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SpentCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("credential", models.CharField(max_length=100)),
                (
                    "step",
                    models.BigIntegerField(
                        help_text="Unix time divided by the period of the codes, as RFC 6238 counts."
                    ),
                ),
                (
                    "taken_by",
                    models.UUIDField(
                        help_text="Of the one request that was given the code, however often it was tried."
                    ),
                ),
                ("spent_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("credential", "step"), name="a_code_is_given_out_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="UploadedFile",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=255)),
                ("content_type", models.CharField(max_length=100)),
                ("size_bytes", models.PositiveBigIntegerField()),
                ("sent_by", models.CharField(help_text="Actor, such as operator:anna or caller:ci.", max_length=200)),
                ("idempotency_key", models.CharField(blank=True, max_length=255, null=True)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "wanted_at",
                    models.DateTimeField(
                        db_index=True,
                        default=infra_shared.clock.utc_now,
                        help_text="When a request last named it, or when it was sent.",
                    ),
                ),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="infra_shared.blob"
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
            ],
            options={
                "ordering": ("id",),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key__isnull", False)),
                        fields=("caller", "idempotency_key"),
                        name="uploaded_file_idempotency_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Automation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$",
                                "Use lower-case letters, digits and hyphens, such as 'acme-north'.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("python", "Python"), ("flow", "Flow document"), ("shared", "Shared stages")],
                        default="python",
                        max_length=10,
                    ),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("key",),
            },
        ),
        migrations.CreateModel(
            name="AutomationVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("module", models.CharField(blank=True, max_length=300)),
                ("source", models.TextField(blank=True)),
                ("included", models.JSONField(blank=True, default=dict)),
                ("params_schema", models.JSONField(default=dict)),
                ("result_schema", models.JSONField(default=dict)),
                ("stages", models.JSONField(default=list)),
                ("options", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="automations.automation",
                    ),
                ),
            ],
            options={
                "ordering": ("automation", "-number"),
                "constraints": [
                    models.UniqueConstraint(fields=("automation", "number"), name="version_number_once"),
                    models.UniqueConstraint(fields=("automation", "digest"), name="version_digest_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TargetFingerprint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255, unique=True)),
                ("sight", models.JSONField()),
                ("picture", models.UUIDField(blank=True, null=True)),
                ("last_run", models.UUIDField(blank=True, null=True)),
                ("learned_at", models.DateTimeField()),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fingerprints",
                        to="automations.automation",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["automation", "learned_at"], name="fingerprint_by_automation")],
            },
        ),
        migrations.CreateModel(
            name="HealProposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stage", models.CharField(max_length=100)),
                ("target_key", models.CharField(max_length=255)),
                ("digest", models.CharField(max_length=64)),
                ("description", models.TextField()),
                ("old_target", models.JSONField()),
                ("new_target", models.JSONField()),
                ("seen", models.JSONField()),
                (
                    "tier",
                    models.CharField(
                        choices=[("dom", "dom"), ("axtree", "axtree"), ("vision", "vision")], max_length=10
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("adopted", "Adopted"),
                            ("refused", "Refused"),
                            ("superseded", "Superseded"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("agreed", models.PositiveIntegerField(default=1)),
                ("disagreed", models.PositiveIntegerField(default=0)),
                ("first_run", models.UUIDField()),
                ("last_run", models.UUIDField()),
                ("before_picture", models.UUIDField(blank=True, null=True)),
                ("before_box", models.JSONField(blank=True, null=True)),
                ("after_picture", models.UUIDField(blank=True, null=True)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_by", models.CharField(blank=True, max_length=200)),
                ("reason", models.TextField(blank=True)),
                (
                    "adopted_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="automations.automationversion",
                    ),
                ),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="heals", to="automations.automation"
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
                "verbose_name": "heal proposal",
                "ordering": ("-last_seen_at", "-id"),
                "permissions": [("adopt_healproposal", "Can adopt and refuse heal proposals")],
                "indexes": [models.Index(fields=["state", "-last_seen_at"], name="heal_by_state")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("automation", "target_key", "digest"), name="heal_once_for_target_and_selector"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "adopted")),
                        fields=("automation", "target_key"),
                        name="heal_adopted_once_for_target",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("state", "open")),
                            models.Q(models.Q(("state", "open"), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="heal_decided_exactly_when_not_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "adopted"), _negated=True),
                            ("adopted_version__isnull", False),
                            _connector="OR",
                        ),
                        name="heal_adopted_into_a_version",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("params", models.JSONField(blank=True, default=dict)),
                (
                    "kind",
                    models.CharField(
                        choices=[("cron", "Cron expression"), ("interval", "Every so often"), ("once", "Once")],
                        default="cron",
                        max_length=10,
                    ),
                ),
                (
                    "cron",
                    models.CharField(
                        blank=True, help_text="Five fields: minute hour day month weekday.", max_length=200
                    ),
                ),
                ("every_seconds", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "anchor_at",
                    models.DateTimeField(blank=True, help_text="Intervals count from this moment.", null=True),
                ),
                ("once_at", models.DateTimeField(blank=True, null=True)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                (
                    "gap",
                    models.CharField(
                        choices=[("as_cron", "as_cron"), ("skip", "skip"), ("after", "after")],
                        default="as_cron",
                        max_length=10,
                    ),
                ),
                (
                    "repeated",
                    models.CharField(
                        choices=[("as_cron", "as_cron"), ("first", "first"), ("both", "both")],
                        default="as_cron",
                        max_length=10,
                    ),
                ),
                (
                    "spread_seconds",
                    models.PositiveIntegerField(
                        default=0, help_text="Window over which it is spread; 0: it fires exactly when planned."
                    ),
                ),
                (
                    "misfire",
                    models.CharField(
                        choices=[
                            ("skip", "Leave them out"),
                            ("latest", "Fire the latest alone"),
                            ("all", "Fire all, up to a number"),
                        ],
                        default="latest",
                        max_length=10,
                    ),
                ),
                (
                    "misfire_grace_seconds",
                    models.PositiveIntegerField(default=30, help_text="A time fired no later than this is just late."),
                ),
                (
                    "misfire_limit",
                    models.PositiveIntegerField(default=10, help_text="How many at most, where all are fired."),
                ),
                (
                    "overlap",
                    models.CharField(
                        choices=[
                            ("allow", "Fire all the same"),
                            ("skip", "Leave it out"),
                            ("queue", "Wait for the earlier run"),
                            ("cancel_running", "Cancel the earlier run"),
                        ],
                        default="allow",
                        max_length=20,
                    ),
                ),
                (
                    "pause_after_failures",
                    models.PositiveIntegerField(
                        default=0, help_text="Pause after so many failures in a row; 0: never."
                    ),
                ),
                ("priority", models.SmallIntegerField(default=0, help_text="Of its runs; higher goes first.")),
                ("planned_until", models.DateTimeField()),
                ("replanned_at", models.DateTimeField(help_text="Nothing planned before this moment fires any more.")),
                ("unwritten", models.JSONField(blank=True, default=list)),
                ("next_fire_at", models.DateTimeField(blank=True, null=True)),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("pause_reason", models.CharField(blank=True, max_length=500)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_by", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="schedules",
                        to="automations.automation",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="schedules", to="automations.customer"
                    ),
                ),
                (
                    "pinned_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="automations.automationversion",
                    ),
                ),
            ],
            options={
                "ordering": ("name", "id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_fire_at__isnull", False)),
                        fields=["next_fire_at"],
                        name="schedule_ready",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "cron"),
                                models.Q(("cron", ""), _negated=True),
                                ("every_seconds__isnull", True),
                                ("once_at__isnull", True),
                            ),
                            models.Q(
                                ("kind", "interval"),
                                ("cron", ""),
                                ("every_seconds__gte", 1),
                                ("anchor_at__isnull", False),
                                ("once_at__isnull", True),
                            ),
                            models.Q(
                                ("kind", "once"),
                                ("cron", ""),
                                ("every_seconds__isnull", True),
                                ("once_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="schedule_has_the_rule_of_its_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("next_fire_at__isnull", True),
                            ("next_fire_at__gt", models.F("planned_until")),
                            _connector="OR",
                        ),
                        name="schedule_next_fire_after_watermark",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="automation",
            name="latest_version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="automations.automationversion",
            ),
        ),
    ]
