"""Whether the database's tables are those of this code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from infra_shared.checkup import Check, bad, good, odd, register
from infra_shared.database import known_migrations
from infra_shared.doctor import database

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from infra_shared.checkup import Finding

ADVICE = "Run: python manage.py migrate"
_NAMED = 3


def look() -> Iterator[Finding]:
    """Compare the migrations on disk with those the database remembers."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    if plan:
        names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
        yield bad(f"{len(names)} migrations are not applied: {_some(names)}.", ADVICE)
        return
    ours = {label for label, _ in loader.disk_migrations}
    strange = loader.applied_migrations.keys() - known_migrations(loader)
    newer = sorted(f"{app}.{name}" for app, name in strange if app in ours)
    if newer:
        yield odd(
            f"The database has {len(newer)} migrations this code does not know: {_some(newer)}.",
            "Another version of the code migrated it: run that one, or go back as docs/deploy.md says.",
        )
        return
    yield good(f"All {len(loader.disk_migrations)} migrations are applied.")


def _some(names: Collection[str]) -> str:
    listed = sorted(names)[:_NAMED]
    return ", ".join(listed) + (" …" if len(names) > _NAMED else "")


register(Check(name="migrations", look=look, advice=ADVICE, order=30, seconds=30, after=(database.NAME,)))
