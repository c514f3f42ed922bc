"""The sample automation, a world of runs around it, and keys to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import api, sample

if TYPE_CHECKING:
    from automations.models import AutomationVersion


@pytest.fixture
def version(db: None, monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    """The published version of the sample automation."""
    return sample.install(monkeypatch)


@pytest.fixture
def world(version: AutomationVersion) -> api.World:
    """A run that succeeded, one that waits, and a schedule that fired, of the customer `main`."""
    return api.build_world(version)


@pytest.fixture
def caller(version: AutomationVersion) -> api.Caller:
    """A caller with every scope, for the customer `main`."""
    return api.Caller(api.key())
