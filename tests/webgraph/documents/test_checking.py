"""Mistakes in documents: every one at once, each with its path, its line and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.reading import problems_in, read_flow
from webgraph.documents.shared import SharedInMapping

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = """key: shop
params:
  city: {}
credentials: [shop]
targets:
  field: {css: "#a"}
stages:
  - name: look
    effect: read
    steps:
"""


def problems(steps: str, shared: Mapping[str, str] | None = None) -> list[tuple[str, int, str]]:
    found = problems_in(HEAD + steps, shared=SharedInMapping(shared or {}))
    return [(item.path, item.line, item.message) for item in found]


def only(steps: str) -> tuple[str, int, str]:
    (problem,) = problems(steps)
    return problem


@pytest.mark.parametrize(
    ("used", "words"),
    [
        ("answer.sent.who", "{{ state.sent.who }}"),
        ("answer.send.code", "{{ answer.NAME.FIELD }}"),
        ("answer.sent", "{{ answer.NAME.FIELD }}"),
    ],
)
def test_an_answer_that_is_no_secret_is_named_as_state(used: str, words: str):
    asking = "      - ask: Who?\n        answer: {code: {type: secret}, who: {}}\n        into: sent\n"

    ((path, _line, message),) = problems(asking + f'      - {{fill: field, with: "{{{{ {used} }}}}"}}')

    assert path == "stages[0].steps[1].with"
    assert words in message


@pytest.mark.parametrize(
    ("step", "path", "words"),
    [
        ("clik: field", "", "Did you mean 'click'?"),
        ("goot: field", "", "Did you mean 'goto'?"),  # and not 'root', which is a key elsewhere
        ("click: feild", ".click", "did you mean 'field'?"),
        ("click: {id: a}", ".click.id", "no key 'id'"),
        ("click: {called: a}", ".click", "needs at least one of css"),
        ("click: field\n        tehn: {appears: field}", ".tehn", "Did you mean 'then'?"),
        ("click: field\n        then: {apears: field}", ".then", "Did you mean 'appears'?"),
        ("fill: field", "", "'with' is missing"),
        ("fill: field\n        with: 5", ".with", "put it in quotes"),
        ('goto: "{{ params.town }}"', ".goto", "'town' is no name that is declared"),
        ('goto: "{{ citi }}"', ".goto", "'citi' is no variable"),
        ('goto: "{{ params }}"', ".goto", "Say which"),
        ('goto: "{{ 1 + 1 }}"', ".goto", "names no variable"),
        ('goto: "{{ params.city"', ".goto", "is not closed"),
        ('goto: "{{ state.later }}"', ".goto", "kept by an earlier step"),
        ('goto: "https://x/{{ credential.shop.token }}"', ".goto", "can only be typed"),
        ('fill: field\n        with: "{{ credential.shp.token }}"', ".with", "did you mean 'shop'?"),
        ("fill_code: field\n        credential: shp", ".credential", "did you mean 'shop'?"),
        ("text: field", "", "either `into` or `add_to`"),
        ("text: field\n        into: json", ".into", "cannot hold the name"),
        ("text: field\n        into: a\n        pick: '('", ".pick", "no regular expression"),
        ("wait_for: {reads: field, text: {matches: '['}}", ".wait_for.text.matches", "no regular expression"),
        ('click: field\n        when: {value: "{{ params.city }}"}', ".when", "exactly one of equals"),
        ("for_each: x\n        as: state\n        steps: [{click: field}]", ".as", "'state' is taken"),
        ("for_each: x\n        as: it\n        steps: [{click: nobody}]", ".steps[0].click", "no target"),
        ("expect: {text: a}", ".expect", "Name a `target` or a `url`"),
        ("click: field\n        timeout_seconds: 0", ".timeout_seconds", "greater than 0"),
        ("just a text", "", "must be a mapping"),
    ],
)
def test_a_wrong_step_is_named_by_its_path(step: str, path: str, words: str):
    at, line, message = only(f"      - {step}\n")

    assert at == f"stages[0].steps[0]{path}"
    assert line >= 11
    assert words in message


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines():
    found = problems(
        "      - click: one\n      - click: two\n  - name: look\n    effect: read\n    steps: [{click: 3}]\n"
    )

    assert [line for _, line, _ in found] == sorted(line for _, line, _ in found)
    # What does not fit the schema is told first: names are looked up once it does.
    assert [path for path, _, _ in found] == ["stages[1].steps[0].click"]
    found = problems(
        "      - click: one\n      - click: two\n  - name: look\n    effect: read\n    steps: [{click: field}]\n"
    )
    assert [(path, line) for path, line, _ in found] == [
        ("stages[0].steps[0].click", 11), ("stages[0].steps[1].click", 12), ("stages[1]", 13),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("{type: integer, default: many}", "does not fit"),
        ("{type: integer, pattern: a}", "counts for texts"),
        ("{pattern: '('}", "no regular expression"),
        ("{pattern: '(?=a)b'}", "not supported"),
        ("{min: 3}", "counts for numbers"),
        ("{type: url, default: ftp://x}", "no web address"),
        ("{enum: []}", "at least 1"),
        ("{type: money}", "Input should be"),
    ],
)
def test_a_param_that_makes_no_sense_is_refused(declared: str, words: str):
    (found,) = problems_in(HEAD.replace("city: {}", f"city: {declared}") + "      - click: field\n")

    assert (found.line, words in found.message) == (3, True), found


def test_what_a_shared_document_gets_wrong_is_told_with_its_name():
    shared = "kind: shared\nkey: door\nstages:\n  - {name: door, effect: read, steps: [{click: bell}]}\n"

    found = problems("      - click: field\n  - include: door\n  - include: wall\n", {"door": shared})

    assert [(path, line) for path, line, _ in found] == [
        ("door: stages[0].steps[0].click", 4),
        ("stages[2].include", 13),
    ]


def test_a_shared_document_runs_only_inside_a_flow():
    shared = "kind: shared\nkey: door\nstages:\n  - {name: door, effect: read, steps: [{press: Enter}]}\n"

    assert problems_in(shared) == []
    with pytest.raises(FlowDocumentError, match="inside a flow"):
        read_flow(shared)


def test_a_flow_cannot_be_included():
    found = problems("      - click: field\n  - include: door\n", {"door": HEAD + "      - click: field\n"})

    assert found == [("door", 1, "The key 'kind' is missing.")]
