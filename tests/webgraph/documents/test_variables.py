"""Variables in texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from webgraph.documents.variables import VariableError, as_text, template

VALUES: dict[str, Any] = {"city": "Riga", "count": 3, "yes": True, "nothing": None, "list": ["a", "b"]}


def filled(text: str) -> str:
    return template(text).text(lambda path: VALUES[path[1]])


def test_values_are_written_as_they_are_typed():
    words = "{{ params.city }}/{{params.count}}/{{ params.yes }}/{{ params.nothing }}/{{ params.list }}"

    assert filled(words) == 'Riga/3/true//["a", "b"]'


def test_a_text_that_is_one_variable_keeps_the_values_type():
    assert template("{{ params.list }}").value(lambda path: VALUES[path[1]]) == ["a", "b"]
    assert template(" {{ params.list }}").value(lambda path: VALUES[path[1]]) == ' ["a", "b"]'


@given(st.text())
def test_a_text_without_braces_is_itself(text: str):
    assume("{{" not in text)

    assert filled(text) == text


@given(st.text(), st.text())
def test_a_value_is_never_read_again_for_variables(before: str, value: str):
    assume("{" not in before)
    text = template(before + "{{ params.x }}").text(lambda _path: value)

    assert text == before + value


@pytest.mark.parametrize(
    "text", ["{{ }}", "{{ a b }}", "{{ a.b", "{{ a..b }}", "{{ 1 }}", "{{ f(x) }}", "{{ {{ a }}"]
)
def test_braces_without_a_variable_are_refused(text: str):
    with pytest.raises(VariableError):
        template(text)


def test_an_absent_value_is_an_empty_text():
    assert as_text(None) == ""
