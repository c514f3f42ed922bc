"""What `doctor` looks at in `runs`; importing it registers the checks."""

from __future__ import annotations

from runs.doctor import browser, chores, nodes, tickets

__all__ = ["browser", "chores", "nodes", "tickets"]
