"""One system with a short lease for every fault that leaves it whole, and one with the default lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra_shared.ids import random_token
from tests.runs.faults.rig import Rig, rig

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT_LEASE_SECONDS = 6
DEFAULT_LEASE_SECONDS = 20


def _secrets() -> dict[str, str]:
    # What an address writes otherwise is part of them: the encoded form must be found too.
    return {name: f"{random_token(12)} +&ä/{random_token(12)}" for name in ("password", "token")}


@pytest.fixture(scope="session")
def _shared_rig(database_under_test: str) -> Iterator[Rig]:
    with rig(database_under_test, _secrets(), lease_seconds=SHORT_LEASE_SECONDS, processes=4) as shared:
        yield shared


@pytest.fixture
def broken(_shared_rig: Rig) -> Rig:
    """The shared system, its practice site without faults."""
    _shared_rig.strike()
    return _shared_rig


@pytest.fixture
def default_lease(database_under_test: str) -> Iterator[Rig]:
    """A system of this test with the default lease."""
    with rig(database_under_test, _secrets(), lease_seconds=DEFAULT_LEASE_SECONDS) as own:
        yield own
