"""Another installation: an empty database of the kind under test, a data folder, and processes of its own that use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from infra_shared.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Elsewhere:
    """One installation. Its processes see its own settings and nothing of the test's."""

    data: Path
    database_url: str = ""
    keys: str = field(default_factory=lambda: ",".join(settings.FIELD_ENCRYPTION_KEYS))

    def manage(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A management command, run to its end."""
        return self._python("manage.py", *map(str, arguments))

    def told(self, *arguments: object) -> Any:
        """What a management command that must succeed says as JSON."""
        done = self.manage(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def look(self, *paths: str) -> dict[str, dict[str, Any]]:
        """What the console answers an operator at each path: status, and the body's text and SHA-256."""
        done = self._python("-m", "tests.support.look_at_console", *paths)
        assert done.returncode == 0, done.stderr
        found: dict[str, dict[str, Any]] = json.loads(done.stdout)
        return found

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        own = {
            "DATA_DIR": str(self.data),
            "DATABASE_URL": self.database_url,
            "FIELD_ENCRYPTION_KEYS": self.keys,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, **own},  # noqa: TID251 - handed on, not read
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def elsewhere(tmp_path: Path, database_under_test: str) -> Iterator[Elsewhere]:
    """An empty installation, on the kind of database under test."""
    if database_under_test == "sqlite":
        yield Elsewhere(tmp_path / "elsewhere")
        return
    where = settings.DATABASES["default"]
    name = f"elsewhere_{uuid7().hex}"
    server = psycopg.conninfo.make_conninfo(
        host=where["HOST"],
        port=where["PORT"],
        user=where["USER"],
        password=where["PASSWORD"],
        dbname="postgres",
    )
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield Elsewhere(tmp_path / "elsewhere", f"postgres://{where['USER']}@/{where['HOST']}/{name}")
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
