"""The Django app of the console: the stock admin with this project's site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """The admin, served by the console's own site class."""

    default_site = "config.admin_site.ConsoleSite"
