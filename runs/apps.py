"""The Django app configuration of `runs`."""

from __future__ import annotations

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """`runs` as a Django app."""

    name = "runs"
    verbose_name = "Runs"

    def ready(self) -> None:
        """Offer pictures of runs to the mails about them."""
        from infra_shared import pictures  # noqa: PLC0415 - models are loaded from here on
        from runs.services.alert_pictures import small_picture  # noqa: PLC0415 - as above

        pictures.show_by(small_picture)

    key_places = (
        "runs.services.quarantine_keys.QuarantinedFiles",
        "runs.services.spool_keys.SpooledFiles",
    )
