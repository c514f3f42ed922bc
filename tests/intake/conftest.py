"""The sample automation, a source, and an edge whose keys this server knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import intake, sample

if TYPE_CHECKING:
    from automations.models import AutomationVersion
    from intake.models import Source


@pytest.fixture
def version(db: None, monkeypatch: pytest.MonkeyPatch) -> AutomationVersion:
    """The published version of the sample automation."""
    return sample.install(monkeypatch)


@pytest.fixture
def edge(settings) -> intake.Edge:
    """The edge, with a key this server knows."""
    settings.EDGE_KEYS = (intake.EDGE_KEY,)
    settings.EDGE_CONTROL_KEYS = (intake.CONTROL_KEY,)
    return intake.Edge()


@pytest.fixture
def source(version: AutomationVersion) -> Source:
    """The source `shop` of the customer `main`."""
    return intake.source()
