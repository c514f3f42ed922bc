"""The Django app configuration of `intake`."""

from __future__ import annotations

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    """`intake` as a Django app."""

    name = "intake"
    verbose_name = "Intake"
