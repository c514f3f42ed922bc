"""Circuit breakers: what the ends of attempts say about a site, and putting a breaker right by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from infra_shared.database import database_now
from infra_shared.services import audit
from infra_shared.services.alerts import alert, close_alert
from runs.breaker_policy import (
    LONGEST_RETRY_AFTER,
    Patience,
    Sign,
    pause_after,
    sign_of,
    to_blame,
    within_window,
)
from runs.limit_keys import Kind, names_of
from runs.models import Breaker, Site
from runs.services.alerts import BREAKER, console_link
from webgraph.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runs.models import Attempt

_STATE = (
    "breaker",
    "breaker_reason",
    "changed_at",
    "times_opened",
    "probe_at",
    "probe",
    "failures",
    "next_start_at",
)


def note_end(*, attempt: Attempt, now: datetime, retry_after: timedelta | None = None) -> None:
    """Draw from the end of an attempt what it says about its sites, part of the transaction that ends it.

    A site that asked to come back later (`retry_after`) is left alone until then by every automation. Sites are locked in
    sorted order; where all is well, nothing is locked or written.
    """
    origins = names_of(Kind.SITE, attempt.run.demands.values_list("key", flat=True))
    if not origins:
        return
    kind = FailureKind(attempt.failure_kind) if attempt.failure_kind else None
    last = attempt.steps.order_by("-index").first()
    sign = sign_of(kind, last_action=last.action if last else "")
    if sign is Sign.AWAY:
        words = f"{attempt.failure_message} {last.description if last else ''}"
        _note_failure(to_blame(origins, words), attempt, now, retry_after)
    elif sign is Sign.WELL:
        _note_success(origins, attempt, now)


@transaction.atomic
def reset_breaker(*, site: Site, actor: str, reason: str = "") -> bool:
    """Close a site's breaker by hand and forget its failures; False when it was closed."""
    row = Site.objects.select_for_update().get(pk=site.pk)
    if row.breaker == Breaker.CLOSED:
        return False
    _close(row, f"closed by {actor}", database_now())
    audit.record(
        actor=actor,
        action="site.reset",
        object_kind="site",
        object_id=row.origin[:100],
        reason=reason,
    )
    return True


@transaction.atomic
def set_patience(*, origin: str, patience: Patience, actor: str) -> Site:
    """Say after how many failures in which time a site's breaker opens, and for how long at first."""
    numbers = {
        "open_after": patience.failures,
        "window_seconds": int(patience.window.total_seconds()),
        "pause_seconds": int(patience.pause.total_seconds()),
    }
    site, _ = Site.objects.update_or_create(origin=origin, defaults=numbers)
    audit.record(
        actor=actor,
        action="site.set_patience",
        object_kind="site",
        object_id=origin[:100],
        details=numbers,
    )
    return site


def _note_failure(
    origins: Iterable[str], attempt: Attempt, now: datetime, retry_after: timedelta | None
) -> None:
    Site.objects.bulk_create((Site(origin=origin) for origin in origins), ignore_conflicts=True)
    for site in Site.objects.select_for_update().filter(origin__in=origins).order_by("origin"):
        if retry_after is not None:
            until = now + min(retry_after, LONGEST_RETRY_AFTER)
            site.next_start_at = max(site.next_start_at or until, until)
        known = [datetime.fromisoformat(text) for text in site.failures]
        counted = within_window([*known, now], now, site.patience)
        site.failures = [moment.isoformat() for moment in counted]
        if site.breaker == Breaker.HALF_OPEN and site.probe_id == attempt.pk:
            _open(site, f"the attempt that went ahead failed: {attempt.failure_message}", now)
        elif site.breaker == Breaker.CLOSED and len(counted) >= site.open_after:
            _open(site, f"{len(counted)} failures, the last: {attempt.failure_message}", now)
        else:
            site.save(update_fields=_STATE)


def _note_success(origins: Iterable[str], attempt: Attempt, now: datetime) -> None:
    ahead = Site.objects.filter(origin__in=origins, breaker=Breaker.HALF_OPEN, probe=attempt)
    if not ahead.exists():
        return
    for site in ahead.select_for_update().order_by("origin"):
        _close(site, "the attempt that went ahead reached it", now)


def _open(site: Site, reason: str, now: datetime) -> None:
    site.times_opened += 1
    site.breaker, site.breaker_reason, site.changed_at = Breaker.OPEN, reason[:500], now
    site.probe, site.probe_at = None, now + pause_after(site.times_opened, site.patience)
    site.save(update_fields=_STATE)
    alert(
        key=_alert_key(site),
        title=f"{site.origin}: circuit breaker open",
        text=f"Attempts on this site wait: {reason}",
        link=console_link("runs/site/"),
        now=now,
    )


def _close(site: Site, reason: str, now: datetime) -> None:
    site.breaker, site.breaker_reason, site.changed_at = Breaker.CLOSED, reason[:500], now
    site.probe = site.probe_at = None
    site.times_opened, site.failures = 0, []
    site.save(update_fields=_STATE)
    close_alert(key=_alert_key(site), reason=reason, now=now)


def _alert_key(site: Site) -> str:
    return f"{BREAKER}:{site.origin}"
