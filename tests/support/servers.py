"""A browser, Node, a PostgreSQL server of one's own, and whole systems, as fixtures."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal

import pytest

from config.local import node
from config.local.postgres import PostgresServer
from config.local.system import LocalSystem, throwaway_system
from webgraph.browser.locate import locate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def browser_executable() -> str:
    """The path of a browser that renders; a machine without one fails the test."""
    return locate(os.environ.get("BROWSER_EXECUTABLE"))  # noqa: TID251 - the tests' own choice of a browser


@pytest.fixture(scope="session")
def needs_node() -> None:
    """Skip where the Worker cannot run, and say why."""
    if reason := node.not_ready():
        pytest.skip(f"the edge Worker was not tested: {reason}")


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """A started PostgreSQL server that the test may stop, kill and start again."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def start_system(database_under_test: Literal["sqlite", "postgres"]) -> Iterator[Callable[..., LocalSystem]]:
    """Start whole systems on the database under test: `start_system(WORKER_PROCESSES="1")`, ended with the test.

    The practice site, web and a worker node are running when it returns.
    """
    with ExitStack() as stack:

        def start(**settings: str) -> LocalSystem:
            system = stack.enter_context(
                throwaway_system(database=database_under_test, edge=False, **settings)
            )
            system.start_site()
            system.start()
            return system

        yield start
