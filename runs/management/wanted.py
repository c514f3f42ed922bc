"""The run somebody named on the command line."""

from __future__ import annotations

from uuid import UUID

from django.core.management.base import CommandError

from runs.models import Run


def wanted_run(key: str) -> Run:
    """The run of an id, with automation, version and customer; CommandError says how to find one."""
    try:
        wanted = UUID(key)
    except ValueError as error:
        raise CommandError(f"{key!r} is not the id of a run. See: manage.py runs list") from error
    rows = Run.objects.select_related("automation", "version", "customer", "result_artifact__blob")
    run = rows.filter(pk=wanted).first()
    if run is None:
        raise CommandError(f"There is no run {key}. See: manage.py runs list")
    return run
