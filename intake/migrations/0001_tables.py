"""The tables of webhook sources, events and triggers."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import infra_shared.clock
import infra_shared.crypto
import infra_shared.ids


class Migration(migrations.Migration):
    """Make the tables, each with its indexes and constraints."""

    # What databases that are older than the first release have applied already.
    replaces = [
        ("intake", "0001_sources_events_triggers"),
        ("intake", "0003_newest_of_sources_and_triggers"),
        ("intake", "0004_removed_events"),
    ]

    initial = True

    dependencies = [
        ("automations", "0001_tables"),
        ("infra_shared", "0001_tables"),
        ("runs", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slug",
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
                (
                    "scheme",
                    models.CharField(
                        choices=[
                            ("standard", "Standard Webhooks"),
                            ("github", "GitHub"),
                            ("stripe", "Stripe"),
                            ("slack", "Slack"),
                            ("shopify", "Shopify"),
                            ("twilio", "Twilio"),
                            ("hmac", "HMAC in a header"),
                            ("header", "Key in a header"),
                            ("bearer", "Bearer token"),
                            ("basic", "Basic authentication"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "options",
                    models.JSONField(blank=True, default=dict, help_text="What the scheme needs beside its secrets."),
                ),
                (
                    "tolerance_seconds",
                    models.PositiveIntegerField(
                        default=300, help_text="How old a sender's timestamp may be, where it signs one."
                    ),
                ),
                (
                    "window_seconds",
                    models.PositiveIntegerField(
                        default=600,
                        help_text="Events known by nothing but the same body are one event within such a window.",
                    ),
                ),
                (
                    "key_header",
                    models.CharField(
                        blank=True,
                        help_text="Header whose value tells deliveries apart, where the scheme names none.",
                        max_length=100,
                    ),
                ),
                ("type_header", models.CharField(blank=True, max_length=100)),
                ("type_path", models.CharField(blank=True, max_length=500)),
                (
                    "ip_allow",
                    models.JSONField(blank=True, default=list, help_text="Networks it may send from; empty: any."),
                ),
                (
                    "rate",
                    models.CharField(
                        choices=[("low", "Low"), ("normal", "Normal"), ("high", "High")],
                        default="normal",
                        max_length=10,
                    ),
                ),
                ("max_bytes", models.PositiveIntegerField(default=10000000)),
                ("content_types", models.JSONField(blank=True, default=list, help_text="Those it takes; empty: any.")),
                ("is_enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "synced_at",
                    models.DateTimeField(
                        blank=True, help_text="When the edge was last known to have it as it is here.", null=True
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
                "ordering": ("slug",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("type_header", ""), ("type_path", ""), _connector="OR"),
                        name="source_type_in_one_place",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_bytes__lte", 10000000)), name="source_bodies_fit_the_edge"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IntakeLedger",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("slug", models.CharField(blank=True, max_length=63)),
                ("received", models.PositiveBigIntegerField(default=0)),
                ("stored", models.PositiveBigIntegerField(default=0)),
                ("duplicate", models.PositiveBigIntegerField(default=0)),
                ("rejected", models.PositiveBigIntegerField(default=0)),
                ("removed_routed", models.PositiveBigIntegerField(default=0)),
                ("removed_failed", models.PositiveBigIntegerField(default=0)),
                ("removed_ignored", models.PositiveBigIntegerField(default=0)),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="intake.source",
                    ),
                ),
            ],
            options={
                "ordering": ("-day", "slug"),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("day", "slug"), name="ledger_line_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "received",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("stored"), "+", models.F("duplicate")
                                    ),
                                    "+",
                                    models.F("rejected"),
                                ),
                            )
                        ),
                        name="ledger_received_is_answered",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("message_id", models.UUIDField(db_index=True)),
                ("key", models.CharField(max_length=300)),
                (
                    "key_kind",
                    models.CharField(
                        choices=[
                            ("delivery", "Provider's delivery id"),
                            ("header", "Value of a header"),
                            ("hash", "Hash of the body within a window"),
                        ],
                        max_length=10,
                    ),
                ),
                ("type", models.CharField(blank=True, max_length=200)),
                (
                    "scheme",
                    models.CharField(
                        choices=[
                            ("standard", "Standard Webhooks"),
                            ("github", "GitHub"),
                            ("stripe", "Stripe"),
                            ("slack", "Slack"),
                            ("shopify", "Shopify"),
                            ("twilio", "Twilio"),
                            ("hmac", "HMAC in a header"),
                            ("header", "Key in a header"),
                            ("bearer", "Bearer token"),
                            ("basic", "Basic authentication"),
                        ],
                        max_length=10,
                    ),
                ),
                ("content_type", models.CharField(blank=True, max_length=255)),
                ("headers", models.JSONField(default=list, help_text="Pairs of name and value, in their order.")),
                ("query", models.TextField(blank=True)),
                ("body", models.BinaryField(help_text="Empty where the body is a blob.", null=True)),
                ("size_bytes", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "edge_attempts",
                    models.PositiveIntegerField(default=1, help_text="How often the edge tried to hand it over."),
                ),
                ("duplicates", models.PositiveIntegerField(default=0, help_text="How often the same came again.")),
                ("last_duplicate_at", models.DateTimeField(blank=True, null=True)),
                ("received_at", models.DateTimeField(help_text="When the edge took it.")),
                ("stored_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("routed", "Routed"),
                            ("failed", "Failed"),
                            ("ignored", "Ignored"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("state_reason", models.CharField(blank=True, max_length=500)),
                ("routed_at", models.DateTimeField(blank=True, help_text="When its state became final.", null=True)),
                (
                    "route_after",
                    models.DateTimeField(blank=True, help_text="Until then a process has it for itself.", null=True),
                ),
                ("route_tries", models.PositiveSmallIntegerField(default=0)),
                ("replay", models.PositiveIntegerField(default=0)),
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="automations.customer"
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="intake.source"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "permissions": (("replay_event", "Can replay events"),),
                "indexes": [
                    models.Index(fields=["customer", "-id"], name="event_by_customer"),
                    models.Index(fields=["source", "-id"], name="event_by_source"),
                    models.Index(fields=["source", "type", "-id"], name="event_by_type"),
                    models.Index(fields=["state", "-id"], name="event_by_state"),
                    models.Index(condition=models.Q(("state", "pending")), fields=["id"], name="event_pending"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "key"), name="event_key_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("routed_at__isnull", True), ("state", "pending")),
                            models.Q(models.Q(("state", "pending"), _negated=True), ("routed_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="event_routed_at_exactly_when_final",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("blob__isnull", True), ("body__isnull", False)),
                            models.Q(("blob__isnull", False), ("body__isnull", True)),
                            _connector="OR",
                        ),
                        name="event_body_in_one_place",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message_id", models.UUIDField(unique=True)),
                ("slug", models.CharField(help_text="The source, as the edge names it.", max_length=63)),
                ("key", models.CharField(max_length=300)),
                ("reason", models.CharField(max_length=500)),
                ("scheme", models.CharField(max_length=20)),
                ("content_type", models.CharField(blank=True, max_length=255)),
                ("size_bytes", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("edge_attempts", models.PositiveIntegerField()),
                ("redrives", models.PositiveIntegerField(default=0)),
                ("received_at", models.DateTimeField()),
                ("dead_at", models.DateTimeField()),
                ("noted_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "delivered_at",
                    models.DateTimeField(
                        blank=True, help_text="When it came through after all; empty: it still has not.", null=True
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="intake.source",
                    ),
                ),
            ],
            options={
                "ordering": ("-dead_at", "-id"),
                "permissions": (("redrive_deadletter", "Can redrive dead letters"),),
                "indexes": [
                    models.Index(
                        condition=models.Q(("delivered_at__isnull", True)), fields=["-dead_at"], name="dead_letter_open"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret", infra_shared.crypto.EncryptedJSONField()),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                ("created_by", models.CharField(max_length=200)),
                (
                    "valid_until",
                    models.DateTimeField(blank=True, help_text="Empty: until another takes over.", null=True),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, help_text="When the edge last found a signature made with it.", null=True
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="intake.source"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Trigger",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("event_type", models.CharField(blank=True, help_text="Empty: events of any type.", max_length=200)),
                ("filter", models.CharField(blank=True, help_text="Empty: all of them.", max_length=2000)),
                (
                    "mapping",
                    models.CharField(
                        blank=True, help_text="An object: the params of the run. Empty: no params.", max_length=2000
                    ),
                ),
                (
                    "dedupe_seconds",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Within this time the same params start one run; 0: each event starts its own.",
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "automation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="automations.automation"
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
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="triggers", to="intake.source"
                    ),
                ),
            ],
            options={
                "ordering": ("name", "id"),
            },
        ),
        migrations.CreateModel(
            name="Match",
            fields=[
                (
                    "id",
                    models.UUIDField(default=infra_shared.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("replay", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("ran", "Ran"),
                            ("deduplicated", "Deduplicated"),
                            ("bad_params", "Params do not fit"),
                            ("error", "Error"),
                        ],
                        default="pending",
                        max_length=12,
                    ),
                ),
                ("reason", models.TextField(blank=True, help_text="Why no run was started, in the exact words.")),
                (
                    "params_digest",
                    models.CharField(
                        blank=True,
                        help_text="SHA-256 of the mapped params; the params themselves are the run's.",
                        max_length=64,
                    ),
                ),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="matches", to="intake.event"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="runs.run",
                    ),
                ),
                (
                    "trigger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="matches", to="intake.trigger"
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "indexes": [
                    models.Index(fields=["trigger", "-id"], name="match_by_trigger"),
                    models.Index(fields=["trigger", "params_digest", "-decided_at"], name="match_by_params"),
                ],
                "constraints": [models.UniqueConstraint(fields=("event", "trigger", "replay"), name="match_once")],
            },
        ),
        migrations.CreateModel(
            name="Replay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("requested_by", models.CharField(max_length=200)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("idempotency_key", models.CharField(blank=True, max_length=255, null=True)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
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
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="replays", to="intake.event"
                    ),
                ),
            ],
            options={
                "ordering": ("number",),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("event", "number"), name="replay_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key__isnull", False)),
                        fields=("caller", "idempotency_key"),
                        name="replay_idempotency_once",
                    ),
                ],
            },
        ),
    ]
