"""Text recognition on this machine: RapidOCR with the models of its own wheel, so that it needs no network."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from webgraph.vision.engines.answers import Answer

# Pages write from left to right and upright; asking which way each line runs costs time and finds nothing.
_PARAMS = {"Global.log_level": "critical", "Global.use_cls": False}


class Ocr:
    """Reads every text of a picture."""

    def __init__(self) -> None:
        # Not imported above: the package is an extra, and its absence is an answer of its own.
        self._engine: Any = import_module("rapidocr").RapidOCR(params=_PARAMS)

    def look(self, picture: bytes, question: dict[str, str]) -> Answer:  # noqa: ARG002 - it reads all there is
        """Each line of text with its place."""
        read = self._engine(picture)
        if read.boxes is None:
            return Answer()
        lines = zip(read.boxes.tolist(), read.txts, read.scores, strict=True)
        width, height = float(read.img.shape[1]), float(read.img.shape[0])
        return Answer([_sighting(*line, width, height) for line in lines])


def _sighting(
    corners: list[list[float]], text: str, score: float, width: float, height: float
) -> dict[str, Any]:
    """One line; its four corners may lie a pixel outside the picture."""
    across, down = (
        [min(max(x, 0.0), width) for x, _ in corners],
        [min(max(y, 0.0), height) for _, y in corners],
    )
    return {
        "text": text,
        "box": [min(across), min(down), max(across), max(down)],
        "confidence": min(max(float(score), 0.0), 1.0),
    }
