"""Console pages of credentials and customers, and the halves of the automation and schedule pages that need no runs.

Import nothing here but models, services and forms; `runs.admin` completes and registers the two base classes.
"""

from __future__ import annotations

from automations.admin import credentials, customers

__all__ = ["credentials", "customers"]
