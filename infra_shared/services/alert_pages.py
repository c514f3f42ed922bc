"""Where alerts are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from infra_shared.models import Alert


def alert_page(alert: Alert) -> str:
    """The address of the alert's page in the console."""
    return f"{settings.PUBLIC_URL}/admin/infra_shared/alert/{alert.pk}/change/"


def open_alerts_page() -> str:
    """The address of the list of open alerts."""
    return f"{settings.PUBLIC_URL}/admin/infra_shared/alert/?closed_at__isempty=1"
