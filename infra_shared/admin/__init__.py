"""The console's ground floor: base classes; pages of keys, audit, deletions, operators and saved filters.

Packages above import `base` from here to hang their own pages in.
"""

from __future__ import annotations

from infra_shared.admin import api_keys, audit, deletions, operators, saved_filters

__all__ = ["api_keys", "audit", "deletions", "operators", "saved_filters"]
