"""The tables of what every part shares: callers and keys, files, outbox, alerts, audit, sessions."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import infra_shared.clock
import infra_shared.crypto


class Migration(migrations.Migration):
    """Make the tables, each with its indexes and constraints."""

    # What databases that are older than the first release have applied already.
    replaces = [
        ("infra_shared", "0001_initial"),
        ("infra_shared", "0002_operator_reach"),
        ("infra_shared", "0003_saved_filters"),
        ("infra_shared", "0004_alerts"),
        ("infra_shared", "0005_signed_in_sessions"),
        ("infra_shared", "0006_spent_factor_codes"),
        ("infra_shared", "0007_deletions"),
        ("infra_shared", "0008_mail_digests_and_pictures"),
        ("infra_shared", "0009_blob_checks_and_spools"),
        ("infra_shared", "0010_session_ages"),
        ("infra_shared", "0011_outbox_tries_and_drops"),
        ("infra_shared", "0012_spool_sealed_by"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Caller",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "customers",
                    models.JSONField(
                        default=list, help_text="Keys of the customers within reach; ['*'] for all of them."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200, unique=True)),
                ("rule", models.CharField(max_length=40)),
                (
                    "severity",
                    models.CharField(
                        choices=[("info", "Info"), ("warning", "Warning"), ("critical", "Critical")],
                        default="warning",
                        max_length=10,
                    ),
                ),
                ("title", models.CharField(max_length=300)),
                ("text", models.TextField()),
                ("link", models.CharField(blank=True, max_length=500)),
                ("advice", models.CharField(blank=True, help_text="What to do about it.", max_length=500)),
                (
                    "seen_ref",
                    models.CharField(
                        blank=True,
                        help_text="What the latest was seen in, for who can show a picture of it.",
                        max_length=100,
                    ),
                ),
                ("seen_link", models.CharField(blank=True, help_text="The page of that.", max_length=500)),
                (
                    "customer",
                    models.CharField(
                        blank=True, help_text="Key of the customer; empty: the system's own.", max_length=100
                    ),
                ),
                ("automation", models.CharField(blank=True, help_text="Key of the automation.", max_length=100)),
                ("opened_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("close_reason", models.CharField(blank=True, max_length=500)),
                ("count", models.PositiveIntegerField(default=1)),
                ("openings", models.PositiveIntegerField(default=1)),
                ("is_told", models.BooleanField(default=False)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_by", models.CharField(blank=True, max_length=200)),
                ("acknowledge_note", models.CharField(blank=True, max_length=500)),
                ("muted_until", models.DateTimeField(blank=True, null=True)),
                ("muted_by", models.CharField(blank=True, max_length=200)),
                ("mute_reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ("-last_seen_at", "-id"),
                "permissions": (("handle_alert", "Can acknowledge and mute alerts"),),
                "indexes": [
                    models.Index(fields=["-last_seen_at", "-id"], name="alert_recent"),
                    models.Index(condition=models.Q(("closed_at__isnull", True)), fields=["rule"], name="alert_open"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("is_told", True), _negated=True), ("told_at__isnull", False), _connector="OR"
                        ),
                        name="alert_told_has_its_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertChannel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "E-mail"),
                            ("webhook", "Webhook, signed by Standard Webhooks"),
                            ("slack", "Slack-compatible webhook"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "place",
                    models.CharField(
                        help_text="Addresses by commas, or the origin of the web address.", max_length=1000
                    ),
                ),
                ("url", infra_shared.crypto.EncryptedJSONField(blank=True, null=True)),
                ("secret", infra_shared.crypto.EncryptedJSONField(blank=True, null=True)),
                ("rules", models.JSONField(blank=True, default=list)),
                ("customers", models.JSONField(blank=True, default=list)),
                ("automations", models.JSONField(blank=True, default=list)),
                ("tells_recovery", models.BooleanField(default=True)),
                ("is_on", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                ("updated_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
            ],
            options={
                "ordering": ("name",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "email"), ("secret__isnull", True), ("url__isnull", True)),
                            models.Q(("kind", "webhook"), ("secret__isnull", False), ("url__isnull", False)),
                            models.Q(("kind", "slack"), ("secret__isnull", True), ("url__isnull", False)),
                            _connector="OR",
                        ),
                        name="alert_channel_has_what_its_kind_needs",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(help_text="operator:anna, caller:ci, command or system.", max_length=200)),
                ("action", models.CharField(help_text="Noun and verb, such as run.rerun.", max_length=100)),
                ("object_kind", models.CharField(max_length=50)),
                ("object_id", models.CharField(max_length=100)),
                ("customer", models.CharField(blank=True, max_length=100)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("details", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["object_kind", "object_id", "-id"], name="audit_by_object"),
                    models.Index(fields=["actor", "-id"], name="audit_by_actor"),
                    models.Index(fields=["action", "-id"], name="audit_by_action"),
                    models.Index(fields=["customer", "-id"], name="audit_by_customer"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("actor", ""), _negated=True),
                            models.Q(("action", ""), _negated=True),
                            models.Q(("object_kind", ""), _negated=True),
                        ),
                        name="audit_line_says_who_did_what",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Blob",
            fields=[
                ("digest", models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ("size_bytes", models.PositiveBigIntegerField(help_text="Length of the plain bytes.")),
                ("stored_bytes", models.PositiveBigIntegerField(help_text="Length as stored.")),
                ("encoding", models.CharField(blank=True, choices=[("", "plain"), ("zstd", "zstd")], max_length=8)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_put_at", models.DateTimeField(auto_now=True, db_index=True)),
                (
                    "checked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When its bytes were last read whole and compared with the digest.",
                        null=True,
                    ),
                ),
                (
                    "finding",
                    models.CharField(
                        blank=True,
                        choices=[("missing", "missing from the store"), ("damaged", "damaged in the store")],
                        max_length=8,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["checked_at", "digest"], name="blob_by_check"),
                    models.Index(
                        condition=models.Q(("finding", ""), _negated=True), fields=["digest"], name="blob_found_bad"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("encoding__in", ["", "zstd"])), name="blob_encoding_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("finding", ""),
                            models.Q(("checked_at__isnull", False), ("finding__in", ["missing", "damaged"])),
                            _connector="OR",
                        ),
                        name="blob_finding_has_a_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Deletion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True)),
                ("what", models.CharField(help_text="Such as artifact, run, event or stored bytes.", max_length=40)),
                ("rule", models.CharField(max_length=100)),
                ("customer", models.CharField(blank=True, help_text="Its key; empty: nobody's.", max_length=100)),
                ("rows", models.PositiveBigIntegerField()),
                ("size_bytes", models.PositiveBigIntegerField(default=0)),
                ("actor", models.CharField(help_text="system, command or operator:anna.", max_length=200)),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["what", "-id"], name="deletion_by_what"),
                    models.Index(fields=["customer", "-id"], name="deletion_by_customer"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OperatorReach",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "customers",
                    models.JSONField(
                        blank=True, default=list, help_text="Keys of the customers; an empty list reaches none."
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reach", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "reach",
                "verbose_name_plural": "reach",
                "ordering": ("user",),
            },
        ),
        migrations.CreateModel(
            name="RateWindow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200)),
                ("window_start", models.DateTimeField(db_index=True)),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("key", "window_start"), name="rate_window_once")],
            },
        ),
        migrations.CreateModel(
            name="SignedInSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer", models.CharField(max_length=100)),
                ("site", models.CharField(max_length=200)),
                ("account", models.CharField(max_length=200)),
                ("state", infra_shared.crypto.EncryptedJSONField(null=True)),
                ("generation", models.PositiveBigIntegerField(default=0)),
                ("stored_at", models.DateTimeField(blank=True, null=True)),
                (
                    "max_age_seconds",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="How old a state may be for whoever wants it for longest; then it is erased.",
                    ),
                ),
                (
                    "obstacle",
                    models.CharField(blank=True, help_text="Why the latest login could not be kept.", max_length=500),
                ),
                ("fence", models.PositiveBigIntegerField(default=0)),
                ("holder", models.CharField(blank=True, help_text="Who is signing in.", max_length=100)),
                ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0, help_text="Logins that failed one after another.")),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                ("last_failure", models.CharField(blank=True, max_length=500)),
                ("locked_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
            ],
            options={
                "verbose_name": "signed-in session",
                "ordering": ("customer", "site", "account"),
                "permissions": (("end_signedinsession", "Can end signed-in sessions and release their locks"),),
                "indexes": [
                    models.Index(
                        condition=models.Q(("holder", ""), _negated=True),
                        fields=["lease_expires_at"],
                        name="session_held",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "site", "account"), name="session_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__isnull", True), ("stored_at__isnull", True)),
                            models.Q(("state__isnull", False), ("stored_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="session_kept_exactly_when_stored",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Spool",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("node_name", models.CharField(max_length=200)),
                ("files", models.PositiveIntegerField(default=0)),
                ("waiting_bytes", models.PositiveBigIntegerField(default=0)),
                (
                    "oldest_at",
                    models.DateTimeField(blank=True, help_text="Since when its oldest file waits.", null=True),
                ),
                (
                    "problem",
                    models.CharField(blank=True, help_text="Why the store did not take the last one.", max_length=500),
                ),
                (
                    "sealed_by",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="How many sealed files wait in it, by the fingerprint of the key they are under.",
                    ),
                ),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("node_name", "id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("files", 0), ("oldest_at__isnull", True)),
                            models.Q(("files__gt", 0), ("oldest_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="spool_filled_since",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("page", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(max_length=2000)),
                ("created_at", models.DateTimeField(default=infra_shared.clock.utc_now)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_filters",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "constraints": [models.UniqueConstraint(fields=("owner", "page", "name"), name="saved_filter_once")],
            },
        ),
        migrations.CreateModel(
            name="SpentFactorCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64)),
                ("spent_at", models.DateTimeField(db_index=True, help_text="The purge reads by it.")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("-spent_at",),
                "constraints": [models.UniqueConstraint(fields=("user", "digest"), name="factor_code_is_spent_once")],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(editable=False, max_length=8, unique=True)),
                ("secret_sha256", models.CharField(editable=False, max_length=64)),
                ("name", models.CharField(max_length=100)),
                ("scopes", models.JSONField(default=list, help_text="What the key may do; ['*'] for everything.")),
                ("created_by", models.CharField(help_text="Actor, such as operator:anna.", max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, help_text="Exact to a minute: not every request is worth a write.", null=True
                    ),
                ),
                (
                    "caller",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="keys", to="infra_shared.caller"
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "ordering": ("-id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            django.db.models.lookups.Exact(django.db.models.functions.text.Length("public_id"), 8),
                            django.db.models.lookups.Exact(django.db.models.functions.text.Length("secret_sha256"), 64),
                        ),
                        name="api_key_well_formed",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(choices=[("email", "E-mail"), ("webhook", "Webhook")], max_length=10)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("plain", "Mail"),
                            ("opened", "Alert"),
                            ("reminder", "Reminder"),
                            ("recovered", "Recovery"),
                            ("test", "Test"),
                            ("canary", "Daily canary"),
                            ("digest", "Digest"),
                        ],
                        default="plain",
                        max_length=10,
                    ),
                ),
                (
                    "recipient",
                    models.CharField(
                        help_text="Addresses, separated by commas; of a webhook the origin.", max_length=1000
                    ),
                ),
                ("subject", models.CharField(max_length=300)),
                ("body_text", models.TextField(help_text="The text of a mail; the whole body of a webhook.")),
                ("body_html", models.TextField(blank=True)),
                (
                    "seen_ref",
                    models.CharField(
                        blank=True, help_text="What a picture is shown of, as its alert says.", max_length=100
                    ),
                ),
                (
                    "dedupe_key",
                    models.CharField(
                        blank=True, help_text="A second message with the same key is not written.", max_length=200
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("folded", "Folded"),
                            ("dropped", "Dropped"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, max_length=500)),
                (
                    "tries",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="The latest tries: `at`, and its `error`, empty when it was sent.",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "alert",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="deliveries",
                        to="infra_shared.alert",
                    ),
                ),
                (
                    "alert_channel",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="deliveries",
                        to="infra_shared.alertchannel",
                    ),
                ),
                (
                    "digest",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="folded",
                        to="infra_shared.outboxmessage",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "permissions": (("resend_outboxmessage", "Can send messages again and drop them"),),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")), fields=["next_attempt_at"], name="outbox_due"
                    ),
                    models.Index(fields=["state", "-id"], name="outbox_by_state"),
                    models.Index(condition=models.Q(("state", "sent")), fields=["sent_at"], name="outbox_sent"),
                    models.Index(fields=["purpose", "-id"], name="outbox_by_purpose"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("dedupe_key", ""), _negated=True),
                        fields=("dedupe_key",),
                        name="outbox_once_per_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("next_attempt_at__isnull", False), ("sent_at__isnull", True), ("state", "pending")
                            ),
                            models.Q(("next_attempt_at__isnull", True), ("sent_at__isnull", False), ("state", "sent")),
                            models.Q(
                                ("next_attempt_at__isnull", True),
                                ("sent_at__isnull", True),
                                ("state__in", ("failed", "folded", "dropped")),
                            ),
                            _connector="OR",
                        ),
                        name="outbox_state_times",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("digest__isnull", False), ("state", "folded")),
                            models.Q(models.Q(("state", "folded"), _negated=True), ("digest__isnull", True)),
                            _connector="OR",
                        ),
                        name="outbox_folded_has_its_digest",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("recipient", ""), _negated=True), name="outbox_has_recipient"
                    ),
                ],
            },
        ),
    ]
