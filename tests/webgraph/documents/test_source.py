"""Texts in YAML and JSON as data with lines; what is no plain data is refused at its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.source import LARGEST_BYTES, read_source


def refused(text: str) -> tuple[int, str]:
    with pytest.raises(FlowDocumentError) as caught:
        read_source(text)
    (problem,) = caught.value.problems
    return problem.line, problem.message


def test_words_mean_what_they_look_like():
    text = "{a: no, b: 12:30, c: 007, d: 2026-11-30, e: true, f: 12, g: 1.5, h: ~, i: on, j: 1e3, k: 0x1F}"

    assert read_source(f"data: {text}").data["data"] == {
        "a": "no", "b": "12:30", "c": "007", "d": "2026-11-30", "e": True, "f": 12,
        "g": 1.5, "h": None, "i": "on", "j": "1e3", "k": "0x1F",
    }  # fmt: skip


def test_each_part_knows_its_line():
    source = read_source("a: 1\nb:\n  - x\n  - c:\n      d: 2\n")

    lines = [
        source.line_of(path) for path in [("a",), ("b", 0), ("b", 1, "c", "d"), ("b", 1, "c", "missing")]
    ]
    assert lines == [1, 3, 5, 4]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: &x 1\nb: *x\n", 1, "Anchors and aliases"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "Tags such as"),
        ("a: 1\na: 2\n", 2, "written twice"),
        ("a: 1\n? [b]\n: 2\n", 2, "plain word"),
        ("a: 1\nb: [\n", 3, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("a: 1\nb: \x07\n", 2, "not valid YAML"),
        ("- a\n", 1, "is a mapping"),
        ("", 1, "empty"),
        ('{"a": 1,\n "b": }', 2, "not valid JSON"),
        ('{"a": 1,\n "a": 2}', 2, "written twice"),
        ('{"a": NaN}', 1, "not valid JSON"),
        ("a: " + "[" * 60 + "]" * 60, 1, "nested deeper"),
        ("a: " + "x" * LARGEST_BYTES, 1, "larger than"),
    ],
)
def test_what_is_no_plain_data_is_refused_at_its_line(text: str, line: int, words: str):
    at, message = refused(text)

    assert (at, words in message) == (line, True), message


def test_what_grows_when_it_is_read_is_never_read():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{letter}: &{letter} [{','.join(['*' + chr(ord(letter) - 1)] * 9)}]\n" for letter in "bcdefghij"
    )

    assert refused(bomb)[0] == 1


KEYS = st.text(max_size=40)
"""YAML, which gives the lines, knows no keys of more than 1024 characters; neither does any document."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(data=st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), indent=st.sampled_from([None, 2, "\t"]))
def test_json_is_read_as_it_is(data: dict[str, Any], indent: Any):
    text = json.dumps(data, indent=indent)

    assert read_source(text).data == data


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused_with_a_line(text: str):
    try:
        read = read_source(text)
    except FlowDocumentError as refusal:
        told = refusal.problems
    else:
        told = [read.problem((), "fine")]

    assert all(problem.line >= 1 and problem.message for problem in told)
