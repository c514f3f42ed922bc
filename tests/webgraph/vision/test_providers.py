"""Providers in their own processes: what they are asked, what they may answer, and how they end."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from PIL import Image

from tests.support.waiting import wait_until
from tests.webgraph.vision.conftest import KEY
from tests.webgraph.vision.model_server import ModelServer, Reply
from webgraph.vision import eyes as eyes_module
from webgraph.vision.eyes import Eyes
from webgraph.vision.settings import VisionSettings
from webgraph.vision.sighting import Findings, Picture, VisionError, Wanted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.timeout(90)
RED = Wanted(description="the red button")


def picture(colour: str = "white") -> Picture:
    out = io.BytesIO()
    Image.new("RGB", (400, 200), colour).save(out, "PNG")
    return Picture.of(out.getvalue(), viewport_width=200)


def with_eyes(settings: VisionSettings, look: Callable[[Eyes], Awaitable[Any]]) -> Any:
    """What `look` returned; every process is ended afterwards."""

    async def run() -> Any:
        eyes = Eyes(settings)
        try:
            return await look(eyes)
        finally:
            pids = eyes.processes
            await eyes.close()
            assert not any(psutil.pid_exists(pid) for pid in pids)

    return asyncio.run(run())


def test_a_model_is_asked_once_about_a_picture_and_its_box_becomes_a_place_in_the_viewport(
    gemini: VisionSettings, model: ModelServer
):
    model.sees(([250, 500, 750, 1000], "Delete", 0.9))

    async def look(eyes: Eyes) -> Findings:
        await eyes.look(picture(), RED)
        return await eyes.look(picture(), RED)

    found: Findings = with_eyes(gemini, look)

    assert found.sightings[0].middle == (150, 50)
    assert (found.sightings[0].text, found.sightings[0].confidence) == ("Delete", 0.9)
    (asked,) = model.asked
    assert asked["path"].endswith("/models/gemini-test:generateContent")
    image, words = asked["contents"][0]["parts"]
    assert base64.urlsafe_b64decode(image["inlineData"]["data"]) == picture().body
    assert words["text"] == "Find: the red button"
    assert model.keys == [KEY]


@pytest.mark.parametrize(
    ("answer", "words", "retry_after"),
    [
        (("says", "I would rather not."), "not as agreed", None),
        (("says", '[{"box_2d": [0, 0, 4000, 9], "text": "", "score": 1}]'), "outside the picture", None),
        (("says", '[{"box_2d": [0, 0, 9, 9], "text": "", "score": "very"}]'), "wrong kind", None),
        (("refuses", 429, {"Retry_After": "7"}), "come back in 7 seconds", 7.0),
        (("refuses", 500, {}), r"service failed \(500\)", 1.0),
        (("refuses", 403, {}), "GEMINI_API_KEY", None),
    ],
    ids=["words", "box outside", "no score", "429", "500", "403"],
)
def test_an_answer_that_is_of_no_use_says_why_and_never_names_the_key(
    gemini: VisionSettings, model: ModelServer, answer, words, retry_after
):
    how, said, *headers = answer
    model.keys.append(KEY)
    getattr(model, how)(said, **(headers[0] if headers else {}))

    with pytest.raises(VisionError, match=words) as caught:
        with_eyes(gemini, lambda eyes: eyes.look(picture(), RED))

    assert caught.value.retry_after_seconds == retry_after
    assert caught.value.tokens == (700 if how == "says" else 0)
    assert KEY not in repr(caught.value)
    assert KEY not in repr(gemini)


def test_a_model_that_does_not_answer_in_time_is_given_up(gemini: VisionSettings, model: ModelServer):
    held = threading.Event()
    model.replies.append(Reply(held=held))

    with pytest.raises(VisionError, match="did not answer"):
        with_eyes(replace(gemini, answer_seconds=3.0), lambda eyes: eyes.look(picture(), RED))
    held.set()


def test_a_process_that_died_is_replaced_at_the_next_question(gemini: VisionSettings, model: ModelServer):
    model.sees()

    async def look(eyes: Eyes) -> list[int]:
        await eyes.look(picture("white"), RED)
        first = eyes.processes
        psutil.Process(first[0]).kill()
        with pytest.raises(VisionError, match="ended"):
            await eyes.look(picture("red"), RED)
        await eyes.look(picture("blue"), RED)
        return [*first, *eyes.processes]

    first, second = with_eyes(gemini, look)

    assert first != second


def test_a_process_nobody_asks_ends_by_itself(gemini: VisionSettings, model: ModelServer):
    model.sees()

    async def look(eyes: Eyes) -> None:
        await eyes.look(picture(), RED)
        (pid,) = eyes.processes
        await asyncio.to_thread(wait_until, lambda: not (eyes.processes or psutil.pid_exists(pid)), 10)

    with_eyes(replace(gemini, idle_seconds=0.2), look)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (VisionSettings(providers=("gemini",)), "set GEMINI_API_KEY"),
        (VisionSettings(providers=()), "no provider that is set up"),
        (VisionSettings(providers=("ocr",)), "requirements-vision.txt"),
    ],
    ids=["no key", "none", "not installed"],
)
def test_without_what_it_needs_sight_says_so_and_what_to_do(monkeypatch, tmp_path, settings, why):
    # Read first by every Python process a test starts: this one finds no text recognition.
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['rapidocr'] = None")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    wanted = Wanted(text="Save") if settings.providers == ("ocr",) else RED

    with pytest.raises(VisionError, match=why) as caught:
        with_eyes(settings, lambda eyes: eyes.look(picture(), wanted))

    assert caught.value.missing


def test_a_missing_provider_is_said_once_in_the_log(caplog):
    eyes_module._say_once.cache_clear()
    caplog.set_level(logging.WARNING)

    for _ in range(2):
        with pytest.raises(VisionError):
            with_eyes(VisionSettings(providers=("gemini",)), lambda eyes: eyes.look(picture(), RED))

    assert [record.getMessage() for record in caplog.records] == [
        "The vision tier cannot use gemini: there is no key; set GEMINI_API_KEY."
    ]
