"""The Django app configuration of `automations`."""

from __future__ import annotations

from django.apps import AppConfig


class AutomationsConfig(AppConfig):
    """`automations` as a Django app."""

    name = "automations"
    verbose_name = "Automations"
    customer_model = "automations.Customer"
    unknown_customers = "automations.services.customers.unknown_among"
