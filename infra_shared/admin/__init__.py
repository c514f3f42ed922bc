"""The console's ground floor: base classes; pages of keys, audit and operators.

Packages above import `base` from here to hang their own pages in.
"""

from __future__ import annotations

from infra_shared.admin import api_keys, audit, operators

__all__ = ["api_keys", "audit", "operators"]
