"""The console's ground floor: base classes; pages of keys, audit, deletions, outbox, operators, filters.

Packages above import `base` from here to hang their own pages in.
"""

from __future__ import annotations

from infra_shared.admin import api_keys, audit, deletions, operators, outbox, saved_filters

__all__ = ["api_keys", "audit", "deletions", "operators", "outbox", "saved_filters"]
