"""Telling operators that a run needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from infra_shared.services.alerts import Severity, alert

if TYPE_CHECKING:
    from runs.models import Run


def alert_about(run: Run, text: str) -> None:
    """One alert for each automation and failure kind within the alert window, not one for each run."""
    alert(
        key=f"run-failed:{run.automation.key}:{run.failure_kind or run.state}",
        title=f"{run.automation.title}: {run.get_state_display().lower()}",
        text=text,
        severity=Severity.WARNING,
        link=f"{settings.PUBLIC_URL}/admin/runs/run/{run.pk}/change/",
    )
