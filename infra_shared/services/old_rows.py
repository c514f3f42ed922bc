"""Alerts, mails, audit lines and sessions that are kept no longer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q

from infra_shared.models import Alert, AuditLine, Deletion, OutboxMessage
from infra_shared.services.removal import remove_old_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.retention import Batch, Order

ALERTS_KEPT = timedelta(days=365)
SENT_KEPT = timedelta(days=30)
FAILED_KEPT = timedelta(days=180)


def sweep_messages(order: Order) -> Iterator[Batch]:
    """Remove messages that were sent, and those that failed and nobody sent again, or that were dropped."""
    sent = Q(state=OutboxMessage.State.SENT, created_at__lt=order.now - SENT_KEPT)
    never = (OutboxMessage.State.FAILED, OutboxMessage.State.DROPPED)
    failed = Q(state__in=never, created_at__lt=order.now - FAILED_KEPT)
    rows = OutboxMessage.objects.filter(sent | failed)
    yield from remove_old_rows(order, rows, what="message", rule="sent, failed or dropped, by age")


def sweep_alerts(order: Order) -> Iterator[Batch]:
    """Remove alerts that have been over for long; a mute that has not ended keeps its alert."""
    over = Alert.objects.filter(closed_at__lt=order.now - ALERTS_KEPT)
    rows = over.filter(Q(muted_until__isnull=True) | Q(muted_until__lt=order.now))
    yield from remove_old_rows(order, rows, what="alert", rule="closed, by age", customer_field="customer")


def sweep_audit(order: Order) -> Iterator[Batch]:
    """Remove lines of the audit log."""
    rows = AuditLine.objects.filter(at__lt=order.now - settings.AUDIT_KEPT)
    yield from remove_old_rows(order, rows, what="audit line", rule="by age", customer_field="customer")


def sweep_deletions(order: Order) -> Iterator[Batch]:
    """Remove lines of the deletion ledger itself."""
    rows = Deletion.objects.filter(at__lt=order.now - settings.AUDIT_KEPT)
    yield from remove_old_rows(order, rows, what="deletion line", rule="by age", customer_field="customer")


def sweep_sessions(order: Order) -> Iterator[Batch]:
    """Remove sessions of operators that have expired."""
    rows = Session.objects.filter(expire_date__lt=order.now)
    yield from remove_old_rows(order, rows, what="session", rule="expired")
