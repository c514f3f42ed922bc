"""The Django app of the console: the stock admin with this project's site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """The admin, served by the console's own site class."""

    default_site = "config.admin_site.ConsoleSite"

    def ready(self) -> None:
        """Have the settings looked at by `doctor`, too: this package is no app that would be asked for its checks."""
        from config import doctor  # noqa: F401, PLC0415 - registering is the import's purpose

        super().ready()
