"""What several tests of the shared layer need: a caller with a key, and a PostgreSQL alias that can go away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from infra_shared.services import api_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.local.postgres import PostgresServer
    from infra_shared.models import ApiKey


@dataclass
class Issued:
    """A key and its plain text."""

    key: ApiKey
    plaintext: str


@pytest.fixture
def issued(db) -> Issued:
    """A key of the caller `ci`, for the customer `main`, with the scope `runs:read`."""
    caller = api_keys.ensure_caller(name="ci", customers=["main"], actor="command")
    return Issued(*api_keys.issue_key(caller=caller, name="nightly", scopes=["runs:read"], actor="command"))


@pytest.fixture
def outage(postgres_server: PostgresServer, monkeypatch, django_db_blocker) -> Iterator[PostgresServer]:
    """A server behind the alias `outage`, which the test may stop and start."""
    settings = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.postgresql",
        "HOST": str(postgres_server.folder),
        "NAME": "postgres",
        "USER": "orchestrator",
        "OPTIONS": {"connect_timeout": 2},
        "CONN_MAX_AGE": None,
    }
    monkeypatch.setitem(connections.settings, "outage", settings)
    with django_db_blocker.unblock():
        yield postgres_server
        connections["outage"].close()
        del connections["outage"]
