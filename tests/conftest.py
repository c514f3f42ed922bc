"""What holds for every test: which database it meets, and that it writes into no folder but its own.

The suite runs on SQLite, in a file as in production. `python -m config.local.postgres -- python -m pytest
--only-database` runs every test that touches the database on PostgreSQL (`make test` does both).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import hypothesis
import pytest
from django.conf import settings

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = [
    "tests.support.console",
    "tests.support.elsewhere",
    "tests.support.hand",
    "tests.support.node",
    "tests.support.object_store",
    "tests.support.practice_node",
    "tests.support.receivers",
    "tests.support.servers",
    "tests.support.site",
    "tests.support.worker",
]

DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "database_under_test"}
MARKERS = (
    "slow: takes long; runs in `make test-all` alone",
    "browser: drives a real Chromium",
    "sqlite: about SQLite itself; not repeated on PostgreSQL",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this suite."""
    help_text = "run only the tests that touch the database"
    parser.addoption("--only-database", action="store_true", help=help_text)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of this suite."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no defect
    hypothesis.settings.load_profile("untimed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that touch the database, where only those are wanted."""
    if not config.getoption("--only-database"):
        return
    kept = [item for item in items if touches_database(item) and not item.get_closest_marker("sqlite")]
    dropped = [item for item in items if item not in set(kept)]
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def touches_database(item: pytest.Item) -> bool:
    """Return whether a test asks for the database, by its marker or by a fixture."""
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db")) or bool(DATABASE_FIXTURES & fixtures)


@pytest.fixture(scope="session")
def database_under_test() -> Literal["sqlite", "postgres"]:
    """`sqlite` or `postgres`."""
    return "sqlite" if "sqlite3" in settings.DATABASES["default"]["ENGINE"] else "postgres"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    database_under_test: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Keep SQLite in a file: in memory there is no WAL, no lock to wait for, and no second process."""
    if database_under_test == "sqlite":
        path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(path)


@pytest.fixture(autouse=True)
def _artifacts_in_a_folder_of_the_test(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Give each test that touches the database an artifact storage of its own."""
    if touches_database(request.node):
        override = request.getfixturevalue("settings")
        override.ARTIFACTS_DIR = tmp_path / "artifacts"
        override.ARTIFACTS_SPOOL_DIR = tmp_path / "spool"
        artifacts = {
            **settings.STORAGES["artifacts"],
            "OPTIONS": {"location": tmp_path / "artifacts"},
        }
        override.STORAGES = {**settings.STORAGES, "artifacts": artifacts}
