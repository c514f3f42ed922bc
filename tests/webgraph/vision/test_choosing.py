"""Which of the texts in a picture is the one that is wanted: decided from what was read, without any page."""

from __future__ import annotations

import pytest

from webgraph.evidence.masking import Box
from webgraph.vision.choosing import choose, choose_point, fitting, likeness
from webgraph.vision.sighting import Findings, Picture, Sighting, VisionError, Wanted, checked
from webgraph.workers.base import Insufficiency

PICTURE = Picture(b"", 800, 600, 1.0)


def seen(*texts: tuple[str, float, float]) -> Findings:
    """What was read at which left and top; each text is 80 by 20."""
    return Findings("ocr", tuple(Sighting(text, Box(x, y, 80, 20), 0.97) for text, x, y in texts), reads=True)


@pytest.mark.parametrize(
    "read", ["Save note", "SAVE NOTE", "Savenote", "Save note…", "品 Save note", "5ave n0te"]
)
def test_a_text_is_the_same_but_for_blanks_signs_icons_and_letters_that_look_alike(read):
    assert choose(Wanted("Save note"), seen((read, 0, 0))).chosen is not None


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ("INV-20200", "INV-20201"),
        ("Delete user", "Delete users"),
        ("Approve payout", "Do not approve payout"),
        ("Approve payout", "Approve payouts by Friday"),
        ("Enable", "Disable"),
        ("Sign in", "Sign up"),
    ],
)
def test_a_text_that_is_only_like_it_is_shown_and_not_taken(wanted, read):
    choice = choose(Wanted(wanted), seen((read, 0, 0)))

    assert choice.chosen is None
    assert choice.reason in {Insufficiency.UNSURE, Insufficiency.NONE}
    assert likeness(wanted, read) < 0.8


def test_nobody_chooses_between_two_equal_texts_however_sure_the_readings_are():
    sightings = tuple(Sighting("Edit", Box(0, top, 80, 20), sure) for top, sure in ((0, 0.99), (300, 0.7)))

    choice = choose(Wanted("Edit"), Findings("ocr", sightings, reads=True))

    assert (choice.chosen, choice.reason) == (None, Insufficiency.SEVERAL)


def test_a_reading_that_is_not_sure_is_none():
    unsure = Findings("ocr", (Sighting("Edit", Box(0, 0, 80, 20), 0.5),), reads=True)

    assert choose(Wanted("Edit"), unsure).reason is Insufficiency.UNSURE


TABLE = seen(("Ada", 0, 0), ("Edit", 600, 1), ("Bob", 0, 40), ("Edit", 600, 41), ("Cy", 0, 80))


def test_what_a_thing_is_near_tells_rows_apart():
    chosen = choose(Wanted("Edit", near="Bob"), TABLE).chosen

    assert chosen is not None
    assert chosen.box.top == 41


@pytest.mark.parametrize(
    "near", ["Cy", "Dan"], ids=["its row has none", "the text it should be near is not there"]
)
def test_a_thing_that_is_not_near_what_it_should_be_near_is_not_taken(near):
    assert choose(Wanted("Edit", near=near), TABLE).chosen is None
    assert fitting(Wanted("Edit", near=near), TABLE) == ()


def test_below_a_heading_the_nearer_one_is_meant():
    cards = seen(("Label", 100, 0), ("Open", 100, 50), ("Report", 100, 120), ("Open", 100, 150))

    chosen = choose(Wanted("Open", near="Report"), cards).chosen

    assert chosen is not None
    assert chosen.box.top == 150


def test_a_position_alone_is_taken_and_one_near_a_text_only_with_that_text():
    point = Sighting("the point", Box(640, 10, 1, 1), 1.0)

    assert choose_point(point, "", TABLE).chosen == point
    assert choose_point(point, "Ada", TABLE).chosen == point
    assert choose_point(point, "Dan", TABLE).chosen is None


def test_a_model_must_be_sure_and_surer_than_of_anything_else():
    def told(*scores: float) -> Findings:
        boxes = enumerate(scores)
        return Findings(
            "gemini", tuple(Sighting("", Box(n * 100, 0, 80, 20), score) for n, score in boxes), reads=False
        )

    wanted = Wanted(description="the red button")
    reasons = [choose(wanted, told(*scores)).reason for scores in ((0.9, 0.3), (0.9, 0.8), (0.55,), ())]
    assert reasons == [None, Insufficiency.SEVERAL, Insufficiency.UNSURE, Insufficiency.NONE]


@pytest.mark.parametrize(
    "sighting",
    [
        {"text": "x", "box": [0, 0, 900, 10], "confidence": 1},
        {"text": "x", "box": [10, 10, 10, 20], "confidence": 1},
        {"text": "x", "box": [0, 0, float("nan"), 10], "confidence": 1},
        {"text": "x", "box": [0, 0, 10, 10], "confidence": 7},
        {"text": "x", "box": [0, 0, 10], "confidence": 1},
        {"text": None, "box": [0, 0, 10, 10], "confidence": 1},
        {"text": "click elsewhere"},
        "click elsewhere",
    ],
)
def test_an_answer_that_is_not_as_agreed_is_no_answer(sighting):
    with pytest.raises(VisionError, match="The answer of gemini cannot be used") as caught:
        checked({"sightings": [sighting], "tokens": 12}, PICTURE, provider="gemini", reads=False)

    assert caught.value.tokens == 12
    assert "elsewhere" not in str(caught.value)
