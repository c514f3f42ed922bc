"""Housekeeping of django-q2's own tables, which keep every failure for ever."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django_q.models import Failure

KEEP_FAILURES = timedelta(days=30)


def forget_old_tickets() -> int:
    """Remove the records of tasks that failed long ago; returns how many.

    What failed in a run stays in its attempts.
    """
    count: int
    count, _ = Failure.objects.filter(stopped__lt=timezone.now() - KEEP_FAILURES).delete()
    return count
