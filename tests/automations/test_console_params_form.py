"""A form made from a schema takes what people enter and gives the params the schema wants."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, HttpUrl, create_model

from automations.errors import FieldProblem
from automations.forms.params import ParamsForm, kind_in_words, resolved


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str


class Params(BaseModel):
    url: HttpUrl
    name: str = "Riga"
    count: int = Field(default=1, ge=1, title="How many")
    ratio: float = 0.5
    fast: bool = True
    layout: Literal["normal", "rotated"] = "normal"
    colour: Colour = Colour.RED
    day: date | None = None
    tags: list[str] = []
    address: Address | None = None


SCHEMA = Params.model_json_schema()
ENTERED = {
    "params-url": "https://shop.example",
    "params-name": "Oslo",
    "params-count": "3",
    "params-ratio": "0.25",
    "params-layout": '"rotated"',
    "params-colour": '"blue"',
    "params-day": "2026-11-22",
    "params-tags": '["a", "b"]',
    "params-address": '{"street": "Elm Street"}',
}


def test_what_was_entered_fits_the_model_it_was_made_from() -> None:
    form = ParamsForm(SCHEMA, ENTERED)

    assert form.is_valid(), form.errors
    params = Params.model_validate(form.params())
    assert (params.count, params.ratio, params.fast) == (3, 0.25, False)
    assert (params.layout, params.colour, params.day) == ("rotated", Colour.BLUE, date(2026, 11, 22))
    assert (params.tags, params.address) == (["a", "b"], Address(street="Elm Street"))


def test_fields_left_empty_take_the_defaults_of_the_schema() -> None:
    form = ParamsForm(
        SCHEMA, {"params-url": "https://shop.example", "params-layout": '"normal"', "params-colour": '"red"'}
    )

    assert form.is_valid(), form.errors
    assert form.params() == {
        "url": "https://shop.example",
        "fast": False,
        "layout": "normal",
        "colour": "red",
        "day": None,
        "address": None,
    }


def test_the_form_begins_with_given_values_before_defaults() -> None:
    form = ParamsForm(SCHEMA, values={"name": "Oslo", "layout": "rotated"})

    assert (form["name"].value(), form["layout"].value()) == ("Oslo", '"rotated"')
    assert (form["count"].value(), form["fast"].value(), form["count"].label) == (1, True, "How many")


@pytest.mark.parametrize(
    ("name", "entered"),
    [("url", ""), ("count", "0"), ("count", "many"), ("layout", '"other"'), ("tags", "[1,"), ("ratio", "x")],
)
def test_an_entry_that_cannot_fit_is_an_error_of_its_field(name: str, entered: str) -> None:
    form = ParamsForm(SCHEMA, ENTERED | {f"params-{name}": entered})

    assert list(form.errors) == [name]


def test_what_the_server_finds_is_shown_at_the_field_and_the_rest_above_the_form() -> None:
    form = ParamsForm(SCHEMA, ENTERED)

    form.show_problems(
        [FieldProblem("address.street", "Too short"), FieldProblem("gone", "There is no such param.")]
    )

    assert form.errors["address"] == ["street: Too short"]
    assert form.non_field_errors() == ["gone: There is no such param."]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (HttpUrl, "web address"),
        (int | None, "whole number"),
        (Colour, "one of red, blue"),
        (list[str], "list"),
        (int | str, "JSON"),
    ],
)
def test_a_kind_is_told_in_words(annotation: Any, words: str) -> None:
    model = create_model("Some", value=(annotation, ...))
    schema = model.model_json_schema()

    assert kind_in_words(resolved(schema["properties"]["value"], schema)) == words
