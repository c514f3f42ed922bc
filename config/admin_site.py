"""The console's site object, named by config.apps.ConsoleConfig and imported by nobody."""

from __future__ import annotations

from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):
    """The operators' console."""

    site_title = "Automations"
    site_header = "Automations"
    index_title = "Overview"
    enable_nav_sidebar = True
