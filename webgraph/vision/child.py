"""`python -m webgraph.vision.child`: one provider, asked through standard input until it ends.

The first line says which; then each question is a line, followed by the picture's bytes. Each answer is one line.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from webgraph.vision.engines.answers import Engine, EngineError
from webgraph.vision.engines.gemini import Gemini
from webgraph.vision.engines.ocr import Ocr


def main() -> int:
    """Answer until the pipe ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(
        sys.stderr.fileno(), sys.stdout.fileno()
    )  # what libraries print must not come between the answers
    questions = sys.stdin.buffer
    order = json.loads(questions.readline() or b"{}")
    engine: Engine | None = None
    for line in iter(questions.readline, b""):
        question = json.loads(line)
        picture = questions.read(question.pop("bytes"))
        try:
            engine = engine or _engine(order)
            answer = _answer(engine, picture, question)
        except ImportError as error:
            answer = {"error": f"the package {error.name} is not installed", "missing": True}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
    return 0


def _engine(order: dict[str, Any]) -> Engine:
    options = {name: value for name, value in order.items() if name != "engine"}
    return Gemini(**options) if order["engine"] == "gemini" else Ocr()


def _answer(engine: Engine, picture: bytes, question: dict[str, str]) -> dict[str, Any]:
    try:
        found = engine.look(picture, question)
    except EngineError as error:
        return {"error": str(error), "retry_after_seconds": error.retry_after_seconds, "tokens": error.tokens}
    return {"sightings": found.sightings, "tokens": found.tokens}


if __name__ == "__main__":
    sys.exit(main())
