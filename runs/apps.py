"""The Django app configuration of `runs`."""

from __future__ import annotations

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """`runs` as a Django app."""

    name = "runs"
    verbose_name = "Runs"
    key_places = ("runs.services.quarantine_keys.QuarantinedFiles",)
