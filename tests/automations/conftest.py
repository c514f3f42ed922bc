"""The sample automation, published, for the tests of automations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import sample

if TYPE_CHECKING:
    from automations.models import AutomationVersion


@pytest.fixture
def version(db: None, monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    """The published version of the sample automation."""
    return sample.install(monkeypatch)
