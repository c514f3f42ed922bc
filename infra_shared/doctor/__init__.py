"""What `doctor` looks at in the shared layer; importing it registers the checks."""

from __future__ import annotations

from infra_shared.doctor import clocks, database, disk, mail, migrations, storage

__all__ = ["clocks", "database", "disk", "mail", "migrations", "storage"]
