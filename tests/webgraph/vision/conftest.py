from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.webgraph.vision.model_server import ModelServer
from webgraph.vision.settings import VisionSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "key-nobody-may-see-7731"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer().running() as server:
        yield server


@pytest.fixture
def gemini(model: ModelServer) -> VisionSettings:
    """Sight through the local server alone."""
    return VisionSettings(
        providers=("gemini",), gemini_api_key=KEY, gemini_model="gemini-test", gemini_base_url=model.url
    )
